package mobile.style.demo

import android.content.res.Resources
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.check

/** Paints each style's golden picture on [backend] and says how close it comes to the float network. */
fun selfTest(styles: List<Style>, backend: Backend, words: Resources, open: (Model, Backend) -> Engine): List<String> =
    styles.flatMap { it.models }.map { model ->
        val golden = model.golden() ?: return@map words.getString(R.string.self_test_none, model.card.title)
        try {
            val decibels = open(model, backend).use { golden.check(it) }
            if (decibels >= golden.limit) {
                words.getString(R.string.self_test_passed, model.card.title, decibels)
            } else {
                words.getString(R.string.self_test_failed, model.card.title, decibels, golden.expectedPsnr)
            }
        } catch (error: Exception) {
            words.getString(R.string.self_test_error, model.card.title, error.message)
        } catch (error: LinkageError) {
            words.getString(R.string.self_test_error, model.card.title, error.message)
        }
    }
