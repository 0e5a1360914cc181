package mobile.style.demo

import android.os.Build
import java.io.File
import java.nio.ByteBuffer
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.Json
import mobile.style.core.candidates
import mobile.style.core.check

/**
 * Times every model on every backend and writes JSON, for `mobile-style benchmark --device adb --app`.
 *
 *     adb shell am start -S -n mobile.style.demo/.MainActivity --ez benchmark true
 */
class Benchmark(
    private val styles: List<Style>,
    private val open: (Model, Backend) -> Engine,
    private val runtime: () -> String = LiteEngine::version,
    private val heat: () -> Int,
    private val runs: Int = 50,
) {
    /** [file] appears whole, at the end. */
    fun write(file: File, onRow: (Model, Backend) -> Unit) {
        val rows = styles.flatMap { it.models }.distinct().flatMap { model ->
            candidates(Runtime.getRuntime().availableProcessors()).map { backend ->
                onRow(model, backend)
                row(model, backend)
            }
        }
        val report = linkedMapOf(
            "schema" to 1,
            "device" to linkedMapOf(
                "manufacturer" to Build.MANUFACTURER, "model" to Build.MODEL, "android" to Build.VERSION.RELEASE,
                "sdk" to Build.VERSION.SDK_INT, "abi" to Build.SUPPORTED_ABIS.firstOrNull().orEmpty(),
                "cores" to Runtime.getRuntime().availableProcessors(),
            ),
            "runtime" to "tensorflow-lite ${runtime()}",
            "rows" to rows,
        )
        val partial = File(file.path + ".partial")
        partial.writeText(Json.write(report))
        check(partial.renameTo(file)) { "cannot write $file" }
    }

    private fun row(model: Model, backend: Backend): Map<String, Any?> {
        val card = if (backend.kind == Backend.Kind.GPU && !model.forGpu) model.card else model.card(backend)
        val row = linkedMapOf<String, Any?>(
            "model" to card.name, "sha256" to card.sha256, "width" to card.width,
            "height" to card.height, "recipe" to card.recipe, "bytes" to card.bytes,
            "accelerator" to backend.kind.name.lowercase(), "threads" to backend.threads,
        )
        try {
            val start = System.nanoTime()
            open(model, backend).use { engine ->
                row["load_ms"] = (System.nanoTime() - start) / 1e6
                row["nodes"] = engine.nodes
                row["delegated"] = engine.delegated
                val input = ByteBuffer.allocateDirect(model.bytes)
                val output = ByteBuffer.allocateDirect(model.bytes)
                val times = List(runs + 1) {
                    val before = System.nanoTime()
                    engine.paint(input, output)
                    (System.nanoTime() - before) / 1e6
                }
                row["first_ms"] = times.first()
                row["times_ms"] = times.drop(1)
                val checked = model.goldens().map { it to it.check(engine) }
                row["psnr"] = checked.minOfOrNull { (_, decibels) -> decibels }
                row["golden_passed"] = checked.isNotEmpty() && checked.all { (golden, decibels) -> decibels >= golden.limit }
                row["thermal_status"] = heat()
            }
        } catch (error: Exception) {
            row["failure"] = error.message ?: error.javaClass.simpleName
        } catch (error: LinkageError) {
            row["failure"] = error.message ?: error.javaClass.simpleName
        }
        return row
    }
}
