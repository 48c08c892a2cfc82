package vn.sotay.app

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Button
import androidx.compose.material3.Checkbox
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.produceState
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import kotlinx.coroutines.launch
import vn.sotay.Handbook
import vn.sotay.phone.FeedbackModel
import vn.sotay.phone.HomeModel
import vn.sotay.phone.MeetingModel
import vn.sotay.phone.Notice
import vn.sotay.phone.ReviewModel

/** Home, meeting and review list, drawn from the models of kotlin-phone. */
class MainActivity : ComponentActivity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val app = application as App
        setContent {
            MaterialTheme {
                val handbook by produceState<Handbook?>(null) { value = app.handbook.await() }
                handbook?.let { Home(it) } ?: Text("…")
            }
        }
    }
}

@Composable
private fun Home(handbook: Handbook) {
    val scope = rememberCoroutineScope()
    val model = remember(handbook) { HomeModel(handbook, scope) }
    val shown by model.screen.shown.collectAsState()
    var open by remember { mutableStateOf<String?>(null) }
    open?.let { return MeetingScreen(handbook, it) }
    Column(Modifier.padding(16.dp)) {
        shown.content?.let { home ->
            Text(home.card.name, style = MaterialTheme.typography.titleLarge)
            home.home.actions.forEach { Text(it.label) }
            if (home.home.reviewOpen > 0u) ReviewList(handbook)
            LazyColumn {
                items(home.meetings) { meeting -> Button(onClick = { open = meeting.id }) { Text(meeting.month ?: meeting.date.orEmpty()) } }
            }
        }
        NoticeLine(shown.notice)
        FeedbackScreen(handbook)
    }
}

@Composable
private fun FeedbackScreen(handbook: Handbook) {
    val scope = rememberCoroutineScope()
    val model = remember(handbook) { FeedbackModel(handbook, scope) }
    val shown by model.screen.shown.collectAsState()
    var text by remember { mutableStateOf("") }
    var named by remember { mutableStateOf(true) }
    Column {
        shown.content?.let { feedback ->
            feedback.own.forEach { Text("${it.topic}: ${it.answers.lastOrNull()?.text ?: it.state}") }
            feedback.received?.forEach { Text("${it.number}. ${it.writer?.name ?: "–"}: ${it.text}") }
        }
        OutlinedTextField(text, { text = it })
        Row {
            Checkbox(named, { named = it })
            Text("Ghi tên")
            Button(
                onClick = {
                    scope.launch {
                        // The text stays in the field until it is on disk.
                        if (model.write(text.lineSequence().first(), text, named)) text = ""
                    }
                },
            ) { Text("Gửi chi ủy") }
        }
        NoticeLine(shown.notice)
    }
}

@Composable
private fun MeetingScreen(handbook: Handbook, id: String) {
    val scope = rememberCoroutineScope()
    val model = remember(id) { MeetingModel(handbook, id, scope) }
    val shown by model.screen.shown.collectAsState()
    var text by remember { mutableStateOf("") }
    Column(Modifier.padding(16.dp)) {
        shown.content?.view?.let { view ->
            Text("${view.counts.present}/${view.counts.total}")
            LazyColumn(Modifier.weight(1f)) { items(view.speeches) { Text("${it.speaker?.name.orEmpty()}: ${it.text}") } }
            OutlinedTextField(text, { text = it })
            Button(
                onClick = {
                    scope.launch {
                        val me = handbook.branch.card().member
                        // The text stays in the field until it is on disk.
                        if (model.speech(me, text)) text = ""
                    }
                },
            ) { Text("Ghi ý kiến") }
        }
        NoticeLine(shown.notice)
    }
}

@Composable
private fun ReviewList(handbook: Handbook) {
    val scope = rememberCoroutineScope()
    val model = remember(handbook) { ReviewModel(handbook, scope) }
    val shown by model.screen.shown.collectAsState()
    Column {
        shown.content.orEmpty().forEach { item ->
            Text(item.text)
            item.options.forEach { option -> Button(onClick = { scope.launch { model.settle(item, option.pick) } }) { Text(option.label) } }
        }
        NoticeLine(shown.notice)
    }
}

@Composable
private fun NoticeLine(notice: Notice?) {
    notice?.let { Text(it.text, color = MaterialTheme.colorScheme.error) }
}
