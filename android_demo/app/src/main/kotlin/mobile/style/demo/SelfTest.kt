package mobile.style.demo

import android.content.res.Resources
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.Golden
import mobile.style.core.check

/** Paints the golden picture of each style, and of one mix of each file of many, on [backend] and says how close it comes to the float network. */
fun selfTest(styles: List<Style>, backend: Backend, words: Resources, open: (Model, Backend) -> Engine): List<String> =
    styles.flatMap { it.models }.distinct().flatMap { model ->
        val goldens = model.goldens().ifEmpty { return@flatMap listOf(words.getString(R.string.self_test_none, model.card.title)) }
        try {
            open(model, backend).use { engine -> goldens.map { judged(it, model.title(it.shares), engine, words) } }
        } catch (error: Exception) {
            listOf(words.getString(R.string.self_test_error, model.card.title, error.message))
        } catch (error: LinkageError) {
            listOf(words.getString(R.string.self_test_error, model.card.title, error.message))
        }
    }

private fun judged(golden: Golden, title: String, engine: Engine, words: Resources): String {
    val decibels = golden.check(engine)
    if (decibels >= golden.limit) return words.getString(R.string.self_test_passed, title, decibels)
    return words.getString(R.string.self_test_failed, title, decibels, golden.expectedPsnr)
}
