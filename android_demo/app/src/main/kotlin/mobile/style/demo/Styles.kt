package mobile.style.demo

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import mobile.style.core.Golden
import mobile.style.core.Json
import mobile.style.core.ModelCard
import mobile.style.core.rgb

/** An exported model in the app's assets, as `mobile-style bundle` put it there. */
class Model(private val assets: AssetManager, private val folder: String, val card: ModelCard) {
    val bytes get() = 3 * card.width * card.height

    /** The file, mapped: it is stored uncompressed for that. */
    fun open(): ByteBuffer = assets.openFd("$folder/model.tflite").use { file ->
        FileInputStream(file.fileDescriptor).channel.use {
            it.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
        }
    }

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
                        Model(assets, folder, ModelCard.parse(card))
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
    }
}
