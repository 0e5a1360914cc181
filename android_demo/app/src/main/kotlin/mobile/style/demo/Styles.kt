package mobile.style.demo

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import mobile.style.core.Backend
import mobile.style.core.BackendChooser
import mobile.style.core.Choosers
import mobile.style.core.Golden
import mobile.style.core.Json
import mobile.style.core.ModelCard
import mobile.style.core.rgb
import mobile.style.core.shares
import mobile.style.core.titleOf

/**
 * An exported model in the app's assets, as `mobile-style bundle` put it there: an int8 file, described by [card], and
 * perhaps one of float16 weights, described by [float], for GPUs.
 */
class Model(private val assets: AssetManager, private val folder: String, val card: ModelCard, private val float: ModelCard?) {
    val bytes get() = 3 * card.width * card.height
    val forGpu get() = float != null

    /** Describes the file that [backend] runs. GPUs compute with floats, so int8 gains nothing there. */
    fun card(backend: Backend): ModelCard = if (backend.kind != Backend.Kind.GPU) card else
        checkNotNull(float) { "no float16 model was bundled, which a GPU needs" }

    /** The file that [backend] runs: mapped, or read whole where the APK has it compressed. */
    fun open(backend: Backend): ByteBuffer {
        val path = "$folder/${if (card(backend) === card) MAIN else FLOAT}.tflite"
        return try {
            assets.openFd(path).use { file ->
                FileInputStream(file.fileDescriptor).channel.use {
                    it.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                }
            }
        } catch (_: FileNotFoundException) {
            val bytes = assets.open(path).use { it.readBytes() }
            ByteBuffer.allocateDirect(bytes.size).apply { put(bytes).rewind() }
        }
    }

    /** The choice among the backends that can run it. */
    fun chooser(choosers: Choosers): BackendChooser = choosers.of(bytes, forGpu, card.styles.isNotEmpty())

    /** The golden picture of a file of one style, or of a [style] of many; null if none was bundled. */
    fun golden(style: Int? = null): Golden? = goldens().getOrNull(style ?: 0)

    /** All of them: of a file of many styles, each style's, and then of a mix. */
    fun goldens(): List<Golden> = try {
        val told = Json.parse(assets.open("$folder/golden.json").use { it.reader().readText() }) as Map<*, *>
        val photo = picture("golden/${told["photo"]}")
        val mixes = told["mixes"] as List<*>?
        mixes?.mapIndexed { index, entry ->
            val mix = entry as Map<*, *>
            val shares = (mix["shares"] as List<*>).map { (it as Double).toFloat() }.toFloatArray()
            Golden(photo, picture("$folder/reference-$index.png"), mix["psnr"] as Double, shares)
        } ?: listOf(Golden(photo, picture("$folder/reference.png"), told["psnr"] as Double))
    } catch (_: IOException) {
        emptyList()
    }

    /** What it paints with such shares of its styles, in words. */
    fun title(shares: FloatArray?): String = if (shares == null) card.title else
        card.styles.filterIndexed { index, _ -> shares[index] > 0 }.joinToString(" + ", "${card.title}: ") { titleOf(it) }

    private fun picture(path: String): ByteArray {
        val bitmap = assets.open(path).use(BitmapFactory::decodeStream)
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        return ByteArray(3 * pixels.size).also { rgb(pixels, ByteBuffer.wrap(it)) }
    }
}

private const val MAIN = "model"
private const val FLOAT = "float16"

/** A style: its models, the largest picture first, its thumbnail, and its [index] among the styles of a file of many. */
class Style(val models: List<Model>, val thumbnail: Bitmap?, val index: Int? = null) {
    private val card get() = models.first().card
    val name get() = if (index == null) card.name else "${card.name}:${card.styles[index]}"
    val title get() = if (index == null) card.title else titleOf(card.styles[index])
    val inAll get() = card.styles.size

    /** Whether both are in one file, which can mix them. */
    fun mixesWith(other: Style) = index != null && other !== this && other.models === models
}

/** What is painted: a style, or [percent] of an [other] one in it, which one file has both. */
data class Look(val style: Style, val other: Style? = null, val percent: Int = 0) {
    /** Of each style of the file; null if it has one. */
    val shares: FloatArray? = style.index?.let { shares(style.inAll, it, other?.index ?: it, percent) }
    val title get() = if (other == null) style.title else "${style.title} + ${other.title}"
}

/** What can be painted, in the order of the names; and what was bundled but cannot be used, with the reason. */
class Styles(val usable: List<Style>, val unusable: List<String>) {
    companion object {
        fun discover(assets: AssetManager): Styles {
            val unusable = mutableListOf<String>()
            val listed = try {
                assets.open("styles/index.txt").use { it.reader().readLines() }
            } catch (_: IOException) {
                emptyList()
            }
            val styles = listed.groupBy { it.substringBefore('/') }.toSortedMap().flatMap { (name, folders) ->
                val models = folders.mapNotNull { place ->
                    val folder = "styles/$place"
                    try {
                        val card = assets.open("$folder/card.json").use { it.reader().readText() }
                        Model(assets, folder, ModelCard.parse(card, "uint8"), floatCard(assets, folder))
                    } catch (error: ModelCard.Companion.Unusable) {
                        null.also { unusable += "$name: ${error.message}" }
                    } catch (_: IOException) {
                        null.also { unusable += "$name: it has no card" }
                    }
                }
                stylesOf(models.sortedByDescending { it.bytes }) { thumbnail(assets, "styles/$name/$it.jpg") }
            }
            return Styles(styles, unusable)
        }

        /** The style of one file's sizes, or all that they mix. */
        private fun stylesOf(models: List<Model>, thumbnail: (String) -> Bitmap?): List<Style> {
            val names = models.firstOrNull()?.card?.styles ?: return emptyList()
            val alike = models.filter { it.card.styles == names } // a smaller size could be of before a style was added
            if (names.isEmpty()) return listOf(Style(alike, thumbnail("thumbnail")))
            return names.mapIndexed { index, name -> Style(alike, thumbnail(name), index) }
        }

        private fun thumbnail(assets: AssetManager, path: String): Bitmap? = try {
            assets.open(path).use(BitmapFactory::decodeStream)
        } catch (_: IOException) {
            null
        }

        /** Throws [ModelCard.Companion.Unusable] where there is one, but for something else. */
        private fun floatCard(assets: AssetManager, folder: String): ModelCard? = try {
            ModelCard.parse(assets.open("$folder/$FLOAT.json").use { it.reader().readText() }, "float32")
        } catch (_: FileNotFoundException) {
            null
        }
    }
}
