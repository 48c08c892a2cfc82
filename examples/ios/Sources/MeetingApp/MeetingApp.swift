import PhoneModels
import SwiftUI

/// One handbook for the life of the process; the scene's phases become its life cycle calls.
@main
struct MeetingApp: App {
    @Environment(\.scenePhase) private var phase
    @State private var handbook: Handbook?
    @State private var failure: String?

    var body: some Scene {
        WindowGroup {
            Group {
                if let handbook {
                    HomeScreen(handbook)
                } else {
                    Text(failure ?? "…")
                }
            }
            .task { await open() }
        }
        .onChange(of: phase) { _, now in
            guard let handbook else { return }
            Task {
                switch now {
                case .active: try? await handbook.resume()
                // The system gives about thirty seconds; an exchange takes one round trip.
                case .background: try? await handbook.enterBackground(budget: .seconds(20))
                default: break
                }
            }
        }
    }

    private func open() async {
        let folder = URL.applicationSupportDirectory.appending(path: "profile")
        let platform = Platform(vault: KeychainVault(), followWhenMetered: false)
        do {
            do {
                handbook = try await Handbook.open(folder, platform: platform)
            } catch let error as HandbookError where error.code == "no_profile" {
                handbook = try await Handbook.create(folder, label: "iPhone", platform: platform)
            }
        } catch {
            failure = (error as? HandbookError)?.text() ?? "\(error)"
        }
    }
}

struct HomeScreen: View {
    private let handbook: Handbook
    @State private var model: HomeModel

    init(_ handbook: Handbook) {
        self.handbook = handbook
        _model = State(initialValue: HomeModel(handbook))
    }

    var body: some View {
        NavigationStack {
            List {
                if let home = model.screen.content {
                    Text(home.card.name).font(.title2)
                    ForEach(home.home.actions, id: \.kind) { Text($0.label) }
                    if home.home.reviewOpen > 0 {
                        NavigationLink("Cần rà soát: \(home.home.reviewOpen)") { ReviewScreen(handbook) }
                    }
                    NavigationLink("Ý kiến với chi ủy") { FeedbackScreen(handbook) }
                    ForEach(home.meetings, id: \.id) { meeting in
                        NavigationLink(meeting.month ?? meeting.date ?? meeting.id) {
                            if let model = try? MeetingModel(handbook, id: meeting.id) { MeetingScreen(handbook, model) }
                        }
                    }
                }
                NoticeLine(notice: model.screen.notice)
            }
        }
        .task { await model.screen.follow() }
    }
}

struct FeedbackScreen: View {
    @State private var model: FeedbackModel
    @State private var text = ""
    @State private var named = true

    init(_ handbook: Handbook) {
        _model = State(initialValue: FeedbackModel(handbook))
    }

    var body: some View {
        List {
            TextField("Ý kiến", text: $text, axis: .vertical)
            Toggle("Ghi tên", isOn: $named)
            Button("Gửi chi ủy") {
                Task {
                    // The text stays in the field until it is on disk.
                    let topic = text.split(separator: "\n").first.map(String.init) ?? text
                    if await model.write(topic: topic, text: text, named: named) { text = "" }
                }
            }
            ForEach(model.screen.content?.own ?? [], id: \.id) { item in
                VStack(alignment: .leading) {
                    Text(item.topic)
                    Text(item.answers.last?.text ?? "").font(.footnote)
                }
            }
            ForEach(model.screen.content?.received ?? [], id: \.id) { item in
                Text("\(item.number). \(item.writer?.name ?? "–"): \(item.text)")
            }
            NoticeLine(notice: model.screen.notice)
        }
        .task { await model.screen.follow() }
    }
}

struct MeetingScreen: View {
    private let handbook: Handbook
    @State private var model: MeetingModel
    @State private var text = ""

    init(_ handbook: Handbook, _ model: MeetingModel) {
        self.handbook = handbook
        _model = State(initialValue: model)
    }

    var body: some View {
        List {
            if let view = model.screen.content?.view {
                Text("\(view.counts.present)/\(view.counts.total)")
                ForEach(view.speeches, id: \.id) { Text("\($0.speaker?.name ?? ""): \($0.text)") }
            }
            TextField("Ý kiến", text: $text, axis: .vertical)
            Button("Ghi ý kiến") {
                Task {
                    // The text stays in the field until it is on disk.
                    if let me = try? await handbook.branch.card().member, await model.speech(me, text) { text = "" }
                }
            }
            NoticeLine(notice: model.screen.notice)
        }
        .task { await model.screen.follow() }
    }
}

struct ReviewScreen: View {
    @State private var model: ReviewModel

    init(_ handbook: Handbook) {
        _model = State(initialValue: ReviewModel(handbook))
    }

    var body: some View {
        List {
            ForEach(model.screen.content ?? [], id: \.id) { item in
                VStack(alignment: .leading) {
                    Text(item.text)
                    ForEach(item.options, id: \.pick) { option in
                        Button(option.label) { Task { await model.settle(item, pick: option.pick) } }
                    }
                }
            }
            NoticeLine(notice: model.screen.notice)
        }
        .task { await model.screen.follow() }
    }
}

struct NoticeLine: View {
    let notice: Notice?

    var body: some View {
        if let notice { Text(notice.text).foregroundStyle(.red) }
    }
}
