package mobile.style.demo

import android.content.res.Resources
import mobile.style.core.Stage

/** The panel's rows: names and what was measured. Nothing here is computed but for rounding. */
fun truthRows(words: Resources, truth: Truth?): List<Pair<String, String>> {
    if (truth == null) return listOf(words.getString(R.string.truth_no_fps) to "")
    val card = truth.model.card
    val fps = truth.times.framesPerSecond()
    val rows = mutableListOf(
        (fps?.let { words.getString(R.string.truth_fps, it) } ?: words.getString(R.string.truth_no_fps)) to
            words.getString(R.string.truth_columns),
    )
    for ((stage, name) in STAGES) {
        val value = truth.times.summary(stage)?.let { words.getString(R.string.truth_times, it.median, it.p90) }
        rows += words.getString(name) to (value ?: words.getString(R.string.truth_none))
    }
    rows += words.getString(R.string.truth_dropped) to truth.dropped.toString()
    truth.engine?.let {
        rows += words.getString(R.string.truth_backend) to it.backend.toString()
        rows += "" to words.getString(R.string.truth_nodes, it.delegated, it.nodes)
    }
    truth.reason?.let { reason ->
        val next = reason.runnerUp
        val tried = truth.trials.size
        rows += "" to when {
            reason.ofLarger -> words.getString(R.string.truth_reason_of_larger, reason.milliseconds)
            next == null -> words.getString(R.string.truth_reason_only, tried, reason.milliseconds)
            else -> words.getString(R.string.truth_reason, tried, reason.milliseconds, next.backend.toString(), next.milliseconds)
        }
        for (trial in reason.failed) {
            val why = trial.failure.orEmpty().lineSequence().first().take(60)
            rows += "" to words.getString(R.string.truth_failed, trial.backend.toString(), why)
        }
    }
    val rate = if (truth.load.halfRate) R.string.truth_half_rate else R.string.truth_full_rate
    rows += words.getString(R.string.truth_load) to words.getString(rate, card.width, card.height)
    rows += words.getString(R.string.truth_card) to
        words.getString(R.string.truth_card_text, card.title, card.recipe, card.bytes / 1000, card.date.take(10))
    card.psnrMean?.let { rows += words.getString(R.string.truth_fidelity) to words.getString(R.string.truth_decibels, it) }
    rows += words.getString(R.string.truth_sha) to card.sha256.take(16)
    return rows
}

private val STAGES = listOf(
    Stage.CAMERA to R.string.truth_camera,
    Stage.CONVERT to R.string.truth_convert,
    Stage.INFER to R.string.truth_infer,
    Stage.DRAW to R.string.truth_draw,
)
