package vn.sotay

import java.io.File

/** A software vault in a file, for desktops and tests; made if there is none. Takes a good part of a second on purpose. */
suspend fun passphraseVault(file: File, passphrase: String): KeyVault {
    NativeLibrary.ensure()
    return io { openPassphraseVault(file.path, passphrase) }
}

/**
 * Checks a seal file ([Meeting.sealFile]) with nothing but the file; needs no profile. [unit] is the unit that the reader
 * expects, if they know its id. Throws the reason when anything in it does not hold.
 */
suspend fun sealFileChecked(bytes: ByteArray, unit: String? = null): CheckedSealFile {
    NativeLibrary.ensure()
    return io { checkSealFile(bytes, unit) }
}

/**
 * Gives lines of the library's log to a function, from a thread of the library and in batches; null ends it. What it throws is
 * ignored. Lines of INFO and above hold no names, keys or content.
 */
fun logTo(level: LogLevel, sink: ((List<LogLine>) -> Unit)?) {
    NativeLibrary.ensure()
    told { setLogSink(sink?.let(::FunctionSink), level) }
}

private class FunctionSink(private val function: (List<LogLine>) -> Unit) : LogSink {
    override fun onLog(lines: List<LogLine>) {
        com.sun.jna.Native.detach(false)
        function(lines)
    }
}
