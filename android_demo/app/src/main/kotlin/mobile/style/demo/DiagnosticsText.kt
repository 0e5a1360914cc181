package mobile.style.demo

import android.content.res.Resources
import mobile.style.core.Stage

/** The panel's rows: names and what was measured. Nothing here is computed but for rounding. */
fun diagnosticsRows(words: Resources, diagnostics: Diagnostics?): List<Pair<String, String>> {
    if (diagnostics == null) return listOf(words.getString(R.string.diagnostics_no_fps) to "")
    val card = diagnostics.engine?.let { diagnostics.model.card(it.backend) } ?: diagnostics.model.card
    val fps = diagnostics.times.framesPerSecond()
    val rows = mutableListOf(
        (fps?.let { words.getString(R.string.diagnostics_fps, it) } ?: words.getString(R.string.diagnostics_no_fps)) to
            words.getString(R.string.diagnostics_columns),
    )
    for ((stage, name) in STAGES) {
        val value = diagnostics.times.summary(stage)?.let { words.getString(R.string.diagnostics_times, it.median, it.p90) }
        rows += words.getString(name) to (value ?: words.getString(R.string.diagnostics_none))
    }
    rows += words.getString(R.string.diagnostics_dropped) to diagnostics.dropped.toString()
    diagnostics.engine?.let {
        rows += words.getString(R.string.diagnostics_backend) to "${it.backend}, ${card.recipe}"
        rows += "" to words.getString(R.string.diagnostics_nodes, it.delegated, it.nodes)
    }
    diagnostics.reason?.let { reason ->
        val next = reason.runnerUp
        val tried = diagnostics.trials.size
        rows += "" to when {
            reason.ofLarger -> words.getString(R.string.diagnostics_reason_of_larger, reason.milliseconds)
            next == null -> words.getString(R.string.diagnostics_reason_only, tried, reason.milliseconds)
            else -> words.getString(R.string.diagnostics_reason, tried, reason.milliseconds, next.backend.toString(), next.milliseconds)
        }
        for (trial in reason.failed) {
            val why = trial.failure.orEmpty().lineSequence().first().take(60)
            rows += "" to words.getString(R.string.diagnostics_failed, trial.backend.toString(), why)
        }
    }
    val rate = if (diagnostics.load.halfRate) R.string.diagnostics_half_rate else R.string.diagnostics_full_rate
    rows += words.getString(R.string.diagnostics_load) to words.getString(rate, card.width, card.height)
    rows += words.getString(R.string.diagnostics_card) to
        words.getString(R.string.diagnostics_card_text, card.title, card.recipe, card.bytes / 1000, card.date.take(10))
    card.psnrMean?.let { rows += words.getString(R.string.diagnostics_fidelity) to words.getString(R.string.diagnostics_decibels, it) }
    rows += words.getString(R.string.diagnostics_sha) to card.sha256.take(16)
    return rows
}

private val STAGES = listOf(
    Stage.CAMERA to R.string.diagnostics_camera,
    Stage.CONVERT to R.string.diagnostics_convert,
    Stage.INFER to R.string.diagnostics_infer,
    Stage.DRAW to R.string.diagnostics_draw,
)
