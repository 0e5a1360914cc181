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
    fun chooser(choosers: Choosers): BackendChooser = choosers.of(bytes, forGpu)

    /** The golden picture; null if none was bundled. */
    fun golden(): Golden? = try {
        val told = Json.parse(assets.open("$folder/golden.json").use { it.reader().readText() }) as Map<*, *>
        val photo = assets.open("golden/${told["photo"]}").use(BitmapFactory::decodeStream)
        val reference = assets.open("$folder/reference.png").use(BitmapFactory::decodeStream)
        Golden(bytesOf(photo), bytesOf(reference), told["psnr"] as Double)
    } catch (_: IOException) {
        null
    }

    private fun bytesOf(bitmap: Bitmap): ByteArray {
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        return ByteArray(3 * pixels.size).also { rgb(pixels, ByteBuffer.wrap(it)) }
    }
}

private const val MAIN = "model"
private const val FLOAT = "float16"

/** A style: its models, the largest picture first, and its thumbnail. */
class Style(val models: List<Model>, val thumbnail: Bitmap?) {
    val name get() = models.first().card.name
    val title get() = models.first().card.title
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
            val styles = listed.groupBy { it.substringBefore('/') }.toSortedMap().mapNotNull { (name, folders) ->
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
                val thumbnail = try {
                    assets.open("styles/$name/thumbnail.jpg").use(BitmapFactory::decodeStream)
                } catch (_: IOException) {
                    null
                }
                if (models.isEmpty()) null else Style(models.sortedByDescending { it.bytes }, thumbnail)
            }
            return Styles(styles, unusable)
        }

        /** Throws [ModelCard.Companion.Unusable] where there is one, but for something else. */
        private fun floatCard(assets: AssetManager, folder: String): ModelCard? = try {
            ModelCard.parse(assets.open("$folder/$FLOAT.json").use { it.reader().readText() }, "float32")
        } catch (_: FileNotFoundException) {
            null
        }
    }
}
