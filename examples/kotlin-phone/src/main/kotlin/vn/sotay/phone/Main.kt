package vn.sotay.phone

import java.io.File
import kotlin.system.exitProcess
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import vn.sotay.Handbook
import vn.sotay.SotayException

/** A phone on the command line: `FOLDER LABEL`, then a command in every line. */
fun main(arguments: Array<String>) {
    if (arguments.size != 2) {
        System.err.println("usage: kotlin-phone FOLDER LABEL\n\n${Phone.HELP}")
        exitProcess(2)
    }
    val (folder, label) = arguments
    runBlocking {
        val handbook =
            try {
                opened(File(folder), label)
            } catch (error: SotayException) {
                System.err.println(error.text())
                exitProcess(1)
            }
        coroutineScope {
            val phone = Phone(handbook, this)
            while (true) {
                val line = readlnOrNull()?.trim() ?: break
                if (line == "quit") break
                if (line.isNotEmpty()) phone.answer(line).forEach(::println)
                System.out.flush()
            }
            coroutineContext.cancelChildren()
        }
        handbook.shutdown()
    }
}

private suspend fun opened(folder: File, label: String): Handbook =
    try {
        Handbook.open(folder)
    } catch (error: SotayException.Input) {
        if (error.code != "no_profile") throw error
        Handbook.create(folder, label)
    }
