package mobile.style.demo

import android.content.res.Resources
import mobile.style.core.BackendChooser
import mobile.style.core.ModelCard
import mobile.style.core.Stage

/** The panel's lines: names and what was measured. Nothing here is computed but for rounding. */
fun diagnosticsLines(words: Resources, diagnostics: Diagnostics?): List<Line> {
    if (diagnostics == null) return listOf(Line(words.getString(R.string.diagnostics_no_frames)))
    val card = diagnostics.engine?.let { diagnostics.model.card(it.backend) } ?: diagnostics.model.card
    return times(words, diagnostics) + frames(words, diagnostics, card) + backend(words, diagnostics, card) + model(words, card)
}

private fun times(words: Resources, diagnostics: Diagnostics): List<Line> {
    val columns = arrayOf(words.getString(R.string.diagnostics_median), words.getString(R.string.diagnostics_p90))
    return listOf(Line(words.getString(R.string.diagnostics_times), *columns, heading = true)) + STAGES.map { (stage, name) ->
        val summary = diagnostics.times.summary(stage)
        Line(words.getString(name), decimal(words, summary?.median), decimal(words, summary?.p90))
    }
}

private fun frames(words: Resources, diagnostics: Diagnostics, card: ModelCard): List<Line> {
    val rate = if (diagnostics.load.halfRate) R.string.diagnostics_half_rate else R.string.diagnostics_full_rate
    return listOf(
        Line(words.getString(R.string.diagnostics_frames), heading = true),
        Line(words.getString(R.string.diagnostics_fps), decimal(words, diagnostics.times.framesPerSecond())),
        Line(words.getString(R.string.diagnostics_dropped), diagnostics.dropped.toString()),
        Line(words.getString(R.string.diagnostics_load), words.getString(rate, card.width, card.height)),
    )
}

/** What is used and why, and how each that was tried did. */
private fun backend(words: Resources, diagnostics: Diagnostics, card: ModelCard): List<Line> {
    val lines = mutableListOf(Line(words.getString(R.string.diagnostics_backend), heading = true))
    diagnostics.engine?.let {
        lines += Line(words.getString(R.string.diagnostics_runs_on), "${it.backend}, ${card.recipe}")
        lines += Line(words.getString(R.string.diagnostics_nodes), words.getString(R.string.diagnostics_nodes_of, it.delegated, it.nodes))
    }
    diagnostics.reason?.let { lines += Line(words.getString(R.string.diagnostics_why), why(words, it, diagnostics.trials.size)) }
    if (diagnostics.trials.isEmpty()) return lines
    lines += Line(words.getString(R.string.diagnostics_tried), words.getString(R.string.diagnostics_median), heading = true)
    for (trial in diagnostics.trials) {
        val failure = trial.failure?.lineSequence()?.first()?.substringBefore(". ")?.take(80)
        lines += Line(trial.backend.toString(), failure ?: decimal(words, trial.milliseconds))
    }
    return lines
}

private fun why(words: Resources, reason: BackendChooser.Reason, tried: Int): String = when {
    reason.ofLarger -> words.getString(R.string.diagnostics_why_of_larger)
    reason.runnerUp == null -> words.getString(R.string.diagnostics_why_only, tried)
    else -> words.getString(R.string.diagnostics_why_fastest, tried)
}

private fun model(words: Resources, card: ModelCard) = listOfNotNull(
    Line(words.getString(R.string.diagnostics_card), heading = true),
    Line(words.getString(R.string.diagnostics_style), words.getString(R.string.diagnostics_style_text, card.title, card.recipe)),
    Line(words.getString(R.string.diagnostics_file), words.getString(R.string.diagnostics_file_text, card.bytes / 1000, card.date.take(10))),
    card.psnrMean?.let { Line(words.getString(R.string.diagnostics_fidelity), words.getString(R.string.diagnostics_decibels, it)) },
    Line(words.getString(R.string.diagnostics_sha), card.sha256.take(16)),
)

private fun decimal(words: Resources, value: Double?): String =
    if (value == null) words.getString(R.string.diagnostics_none) else words.getString(R.string.diagnostics_decimal, value)

private val STAGES = listOf(
    Stage.CAMERA to R.string.diagnostics_camera,
    Stage.CONVERT to R.string.diagnostics_convert,
    Stage.INFER to R.string.diagnostics_infer,
    Stage.DRAW to R.string.diagnostics_draw,
)
