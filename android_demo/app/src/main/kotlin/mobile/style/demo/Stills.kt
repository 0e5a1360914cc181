package mobile.style.demo

import android.content.res.Resources
import android.graphics.Bitmap
import mobile.style.core.Backend
import mobile.style.core.BackendChooser
import mobile.style.core.Choosers
import mobile.style.core.Engine
import mobile.style.core.choose

/**
 * Photos and pictures taken, painted one at a time with an engine of their own. What goes wrong is said by [say], and
 * null if all is done; the size shrinks where memory does not suffice.
 */
class Stills(
    private val words: Resources,
    private val choosers: Choosers,
    private val engines: (Model, Backend) -> Engine,
    private val say: (String?) -> Unit,
) {
    @Volatile var scarce = false // memory is, said the phone since the app was last shown
    private var longerSide = Photos.LONGER_SIDE

    /** The photo, upright and of a size that [model] can paint; null if it is none, or too large for the memory. */
    fun decode(bytes: ByteArray, model: Model): Bitmap? = try {
        val longer = if (scarce) minOf(longerSide, Photos.LONGER_SIDE / 2) else longerSide
        Photos.decode(bytes, longer, maxOf(model.card.width, model.card.height))
    } catch (_: OutOfMemoryError) {
        null.also { shrink() }
    }

    /**
     * The photo as [look] has it, [strength] of 256, by the kind of engine that proved best; null if that fails. Strokes
     * are so many [times] as broad as the network's own; by default that depends on the photo's size.
     */
    fun paint(photo: Bitmap, look: Look, strength: Int, times: Float? = null): Bitmap? {
        var told = -1
        val model = look.style.models.first()
        try {
            val picture = proven(model, look.style.index).use { engine ->
                look.shares?.let(engine::mix)
                Photos.paint(photo, engine, model, strength, times) { share ->
                    val quarter = (4 * share).toInt() // TalkBack reads each of them
                    if (quarter > told) say(words.getString(R.string.painting, 25 * quarter))
                    told = quarter
                }
            }
            say(null)
            return picture
        } catch (_: OutOfMemoryError) {
            shrink()
        } catch (error: Exception) {
            say(words.getString(R.string.not_painted, error.message))
        } catch (error: LinkageError) { // as where the library for this processor is missing
            say(words.getString(R.string.not_painted, error.message))
        }
        return null
    }

    private fun shrink() {
        longerSide = maxOf(SMALLEST, longerSide / 2)
        say(words.getString(R.string.smaller_for_memory, longerSide, longerSide))
    }

    /** Of the backend in use; where the camera has not been painted yet, all are tried first. */
    private fun proven(model: Model, style: Int?): Engine {
        val chooser = model.chooser(choosers)
        (chooser.state as? BackendChooser.State.Using)?.let { now ->
            return try {
                engines(model, now.backend)
            } catch (_: RuntimeException) { // beside the live one there may be no room for another, which does not count
                engines(model, Backend(Backend.Kind.PLAIN))
            }
        }
        say(words.getString(R.string.starting))
        return choose(chooser, model.bytes, model.golden(style)) { engines(model, it) }
            ?: error(chooser.trials().last().failure.orEmpty())
    }

    private companion object {
        const val SMALLEST = 512
    }
}
