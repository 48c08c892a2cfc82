import Foundation
import PhoneModels

// A phone on the command line: `FOLDER LABEL`, then a command in every line.
let arguments = CommandLine.arguments
guard arguments.count == 3 else {
    FileHandle.standardError.write(Data("usage: swift-phone FOLDER LABEL\n\n\(Phone.help)\n".utf8))
    exit(2)
}

func opened(_ folder: URL, _ label: String) async throws -> Handbook {
    do {
        return try await Handbook.open(folder)
    } catch let error as HandbookError where error.code == "no_profile" {
        return try await Handbook.create(folder, label: label)
    }
}

do {
    let handbook = try await opened(URL(fileURLWithPath: arguments[1]), arguments[2])
    let phone = Phone(handbook)
    while let line = readLine()?.trimmingCharacters(in: .whitespaces), line != "quit" {
        if line.isEmpty { continue }
        let answer = await phone.answer(line).joined(separator: "\n")
        FileHandle.standardOutput.write(Data("\(answer)\n".utf8))
    }
    try await handbook.shutdown()
} catch let error as HandbookError {
    FileHandle.standardError.write(Data("\(error.text())\n".utf8))
    exit(1)
}
