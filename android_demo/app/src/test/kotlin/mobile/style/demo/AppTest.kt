package mobile.style.demo

import android.Manifest
import android.app.ActivityManager
import android.app.Application
import android.app.ApplicationExitInfo
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.Color
import android.view.View
import android.widget.SeekBar
import android.widget.TextView
import android.window.WindowOnBackInvokedDispatcher
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.util.Collections
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.Json
import mobile.style.core.Painter
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * The app on Android's own framework classes, with the models' engines replaced (EngineTest and PicturesTest have the real ones): what is
 * painted is the golden picture's float reference.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h891dp-port-notnight-420dpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class AppTest : AppScreen() {
    @Test
    fun paintsTheCamera() {
        start()
        val picture = paintFrame()
        assertTrue("${difference(picture)} dB", difference(picture) > 60)
        assertEquals("Starry Night", texts().first())
        find<SeekBar>(R.id.strength).progress = 0
        val photo = paintFrame()
        assertTrue("no style left", difference(photo) < 20)
        find<SeekBar>(R.id.strength).progress = 100
        activity.hold(true)
        assertTrue("the original", difference(paintFrame()) < 20)
        activity.hold(false)
        assertTrue(difference(paintFrame()) > 60)
    }

    @Test
    fun showsTheDiagnostics() {
        start()
        repeat(5) { paintFrame() }
        find<View>(R.id.info).performClick()
        idle()
        val told = texts().joinToString("\n")
        for (part in listOf(STAND_IN, "Frames a second", "Convert", "Infer", "243 of 245", "XNNPACK", "no GPU delegate", "256 × 256", "int8")) {
            assertTrue("$part in\n$told", part in told)
        }
        @Suppress("DEPRECATION")
        activity.onBackPressed()
        assertFalse(texts().any { "Frames a second" in it })
        assertFalse(activity.isFinishing)
    }

    @Test
    fun setsHeadingsApartAndValuesInColumns() {
        start()
        repeat(5) { paintFrame() }
        find<View>(R.id.info).performClick()
        idle()
        layOut()
        val shown = views(find(R.id.diagnostics)).filterIsInstance<TextView>().filter { it.isShown && it.text.isNotEmpty() }
        val lines = shown.groupBy { it.parent }.values.associateBy { it.first().text.toString() }
        val (heading, line) = lines.getValue("Time of a frame, ms") to lines.getValue("Convert")
        assertEquals(listOf("median", "90th percentile"), heading.drop(1).map { it.text.toString() })
        assertEquals(heading.drop(1).map { it.right }, line.drop(1).map { it.right })
        assertTrue(heading.first().isAccessibilityHeading && !line.first().isAccessibilityHeading)
        for ((one, other) in heading zip line) assertTrue(one.currentTextColor != other.currentTextColor && one.textSize < other.textSize)
    }

    @Test
    fun runsTheFloat16ModelOnAGpuThatIsFastest() {
        Setup.engines = { model, backend ->
            val engine = Reference(model, backend, wrong = false)
            object : Engine by engine {
                override fun paint(input: ByteBuffer, output: ByteBuffer) {
                    if (backend.kind != Backend.Kind.GPU) Thread.sleep(100)
                    engine.paint(input, output)
                }
            }
        }
        start()
        paintFrame()
        find<View>(R.id.info).performClick()
        idle()
        assertTrue("${texts()}", "GPU, float16" in texts())
        assertTrue("${texts()}", texts().any { it.startsWith("Starry Night, float16") })
        activity.choose(styles().indexOfFirst { it.name == "my_own" }) // which has no float16 model
        paintFrame()
        idle()
        assertTrue("${activity.live.startPipeline().diagnostics()!!.trials}", activity.live.startPipeline().diagnostics()!!.trials.none { it.backend.kind == Backend.Kind.GPU })
    }

    /** What the system asks while the finger still moves, from Android 13 on. */
    @Test
    fun backIsLeftToTheSystemWhereNothingIsOpen() {
        start()
        val dispatcher = find<View>(android.R.id.content).findOnBackInvokedDispatcher() as WindowOnBackInvokedDispatcher
        activity.applicationInfo.setEnableOnBackInvokedCallback(true) // as the manifest says; Robolectric does not read it
        val leaves = dispatcher.topCallback
        find<View>(R.id.info).performClick()
        idle()
        assertTrue(dispatcher.topCallback !== leaves)
        dispatcher.topCallback.onBackInvoked()
        idle()
        assertFalse(texts().any { "Frames a second" in it })
        assertTrue(dispatcher.topCallback === leaves)
        openPhoto()
        assertTrue(dispatcher.topCallback !== leaves)
        dispatcher.topCallback.onBackInvoked()
        assertTrue(dispatcher.topCallback === leaves)
        assertFalse(activity.isFinishing)
    }

    @Test
    @Config(qualifiers = "w891dp-h411dp-land-notnight-420dpi")
    fun liesOnItsSide() {
        start()
        paintFrame()
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }

    /** A phone's half screen, and a small phone on its side. */
    @Test
    @Config(qualifiers = "w411dp-h385dp-land-notnight-420dpi")
    fun sharesTheScreen() {
        start()
        paintFrame()
        screenshot("half")
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }

    @Test
    @Config(qualifiers = "w1280dp-h800dp-land-notnight-mdpi")
    fun isLarge() {
        start()
        paintFrame()
        screenshot("tablet")
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }

    @Test
    @Config(qualifiers = "w592dp-h336dp-land-notnight-xhdpi")
    fun isLow() {
        start()
        paintFrame()
        screenshot("low")
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }

    @Test
    fun everythingCanBeReached() {
        start()
        paintFrame()
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
        find<View>(R.id.info).performClick()
        assertEveryTargetCanBeHit()
    }

    @Test
    fun swipesThroughTheStyles() {
        start()
        val names = mutableListOf(texts().first())
        repeat(styles().size) {
            find<View>(R.id.picture).performAccessibilityAction(R.id.next_style, null)
            idle()
            names += texts().first()
        }
        assertEquals(styles().map { it.title }.sorted(), names.drop(1).sorted())
        assertEquals(names.first(), names.last())
        assertTrue("My Own" in names)
        activity.swipe(-1)
        assertEquals(names[names.size - 2], texts().first())
    }

    @Test
    fun asksForTheCamera() {
        start(permission = false)
        assertTrue(notice().contains("Nothing leaves your phone"))
        screenshot("permission")
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_DENIED))
        assertTrue(notice().contains("settings"))
        shadowOf(context as Application).grantPermissions(Manifest.permission.CAMERA)
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
    }

    @Test
    @Config(qualifiers = "+night")
    fun saysWhatIsWrongWithTheCamera() {
        start()
        activity.live.show(CameraTrouble.IN_USE)
        assertTrue(notice().contains("Another app is using the camera"))
        screenshot("in_use_dark")
        activity.live.show(CameraTrouble.ERROR)
        assertTrue(notice().contains("Try again"))
        activity.live.show(CameraTrouble.NONE_HERE)
        assertTrue(notice().contains("no camera"))
    }

    @Test
    fun worksWithoutACamera() {
        shadowOf(context.packageManager).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, false)
        start()
        assertTrue(notice().contains("photos from your gallery"))
    }

    @Test
    fun saysWhenNothingCanPaint() {
        Setup.engines = { _, _ -> throw UnsatisfiedLinkError("libtensorflowlite_jni.so is missing") }
        start()
        activity.live.startPipeline().offer(frame())
        await { notice().contains("libtensorflowlite_jni.so is missing") }
    }

    @Test
    fun refusesAnEngineThatPaintsSomethingElse() {
        Setup.engines = { model, backend -> Reference(model, backend, wrong = backend.kind == Backend.Kind.XNNPACK) }
        start()
        paintFrame()
        val diagnostics = activity.live.startPipeline().diagnostics()!!
        assertTrue(diagnostics.reason!!.failed.all { it.backend.kind == Backend.Kind.XNNPACK && "dB instead of" in it.failure!! })
        assertFalse(diagnostics.engine!!.backend.kind == Backend.Kind.XNNPACK)
    }

    /** No exception tells that a driver ended the app. */
    @Suppress("DEPRECATION")
    @Test
    fun leavesAGpuAloneThatEndedTheApp() {
        val notes = context.getSharedPreferences("gpu", 0)
        val seen = Collections.synchronizedList(ArrayList<Pair<Backend.Kind, Boolean>>())
        val closed = AtomicInteger()
        Setup.engines = { model, backend ->
            seen += backend.kind to notes.getBoolean(GpuGuard.AT_WORK, false)
            val engine = Reference(model, backend, wrong = false)
            object : Engine by engine {
                override fun close() = engine.close().also { closed.incrementAndGet() }
            }
        }
        start()
        paintFrame()
        assertTrue("$seen", Backend.Kind.GPU to true in seen)
        val reasons = shadowOf(context.getSystemService(ActivityManager::class.java))
        for ((reason, left) in listOf(
            ApplicationExitInfo.REASON_USER_REQUESTED to false, // stopped while it painted
            ApplicationExitInfo.REASON_CRASH_NATIVE to true,
        )) {
            controller.pause().stop().destroy()
            await { closed.get() == seen.size && !notes.getBoolean(GpuGuard.AT_WORK, false) }
            notes.edit().putBoolean(GpuGuard.AT_WORK, true).commit()
            reasons.addApplicationExitInfo(context.packageName, 1, reason, 0)
            GpuGuard.ended = null // another start
            seen.clear()
            closed.set(0)
            start()
            paintFrame()
            assertEquals("$seen", left, seen.none { it.first == Backend.Kind.GPU })
        }
        assertTrue("$seen", seen.isNotEmpty())
    }

    @Test
    fun testsThePhone() {
        val rightly = selfTest(styles(), Backend(Backend.Kind.XNNPACK), context.resources, Setup.engines)
        assertTrue(rightly.toString(), rightly.any { it.startsWith("Starry Night") && "as it should be" in it })
        assertTrue(rightly.toString(), rightly.any { it.startsWith("My Own") && "no golden picture" in it })
        assertEquals(rightly.toString(), 21, rightly.count { it.startsWith("Many: ") && "as it should be" in it }) // and a mix
        assertTrue(rightly.toString(), rightly.any { it.startsWith("Many: Starry Night + Udnie") })
        val wrongly = selfTest(styles(), Backend(Backend.Kind.XNNPACK), context.resources) { model, backend -> Reference(model, backend, true) }
        assertTrue(wrongly.toString(), wrongly.any { "computes it wrongly" in it })
    }

    @Test
    fun writesTheBenchmark() {
        val file = File(System.getProperty("screenshots"), "benchmark.json") // which the Python side then reads
        Benchmark(styles(), Setup.engines, { "2.21.0" }, heat = { 0 }, runs = 12).write(file) { _, _ -> }
        val report = Json.parse(file.readText()) as Map<*, *>
        val rows = (report["rows"] as List<*>).map { it as Map<*, *> }
        assertEquals(styles().map { it.models.first().card.name }.toSet(), rows.map { it["model"] }.toSet())
        assertEquals("each file once", 1, rows.count { it["model"] == "many" && it["accelerator"] == "plain" })
        assertTrue(rows.filter { it["accelerator"] == "gpu" }.all { "no GPU delegate" in it["failure"] as String })
        assertTrue(rows.filter { it["accelerator"] == "xnnpack" }.all { (it["times_ms"] as List<*>).size == 12 })
    }

    @Test
    fun paintsAPhotoInTiles() {
        val photo = Bitmap.createBitmap(700, 900, Bitmap.Config.ARGB_8888).also { it.eraseColor(Color.rgb(10, 20, 30)) }
        val jpeg = ByteArrayOutputStream().also { photo.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
        val decoded = Photos.decode(jpeg, 512, 256)!!
        assertEquals(512, maxOf(decoded.width, decoded.height))
        val inverse = Painter { from, to ->
            for (i in 0 until from.capacity()) to.put(i, (255 - (from.get(i).toInt() and 255)).toByte())
        }
        val painted = Photos.paint(decoded, inverse, styles().first().models.first(), 256, 1f) {}
        assertEquals(decoded.width to decoded.height, painted.width to painted.height)
        val pixels = IntArray(decoded.width * decoded.height)
        decoded.getPixels(pixels, 0, decoded.width, 0, 0, decoded.width, decoded.height)
        val seen = mobile.style.core.Grain(decoded.width, decoded.height).add(pixels)
        assertEquals(seen[300 * decoded.width + 200] xor 0xFFFFFF, painted.getPixel(200, 300))
        val greens = (0 until 256).map { Color.green(painted.getPixel(it, 300)) }
        assertTrue("grain on 255 - 20: $greens", greens.toSet().size > 3 && greens.all { it in 226..244 })
        assertNull(Photos.decode("no picture".toByteArray(), 512, 256))
    }

    /** Every swipe over a photo would take seconds to paint. */
    @Test
    fun paintsAPhotoInTheLastStyleOnly() {
        start()
        paintPhoto()
        val painted = mutableListOf<String>()
        val engines = Setup.engines
        Setup.engines = { model, backend -> engines(model, backend).also { painted += model.card.name } }
        val wanted = styles()[Math.floorMod(styles().indexOfFirst { it.name == "starry_night" } + 3, styles().size)].name
        repeat(3) { activity.swipe(1) }
        await { painted.isNotEmpty() }
        repeat(20) { idle() }
        assertEquals(listOf(wanted), painted)
    }

    /** A photo is opened before the camera gave anything to measure with. */
    @Test
    fun paintsAPhotoByAnEngineThatPaintsRightly() {
        val used = mutableListOf<Backend>()
        Setup.engines = { model, backend ->
            used += backend
            Reference(model, backend, wrong = backend.kind != Backend.Kind.PLAIN)
        }
        start()
        paintPhoto()
        assertEquals(Backend.Kind.PLAIN, used.last().kind)
        assertTrue(difference(find<PictureView>(R.id.picture).shown!!) > 60)
    }

    @Test
    @Config(qualifiers = "ar-ldrtl-w891dp-h411dp-land-420dpi")
    fun theControlsAreBesideThePictureWhereOneReadsFromTheRight() {
        start()
        paintFrame()
        val root = layOut()
        assertEquals(View.LAYOUT_DIRECTION_RTL, root.layoutDirection)
        val seek = IntArray(2).also { find<View>(R.id.strength).getLocationInWindow(it) }
        assertTrue("${seek[0]} of ${root.width}", seek[0] > root.width / 2)
        screenshot("rtl")
    }

    @Test
    fun savesAPictureWhoseScreenWasLeft() {
        start()
        paintPhoto()
        activity.shutter()
        controller.pause().stop().destroy()
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
        while (saved().isEmpty() && System.nanoTime() < end) Thread.sleep(5)
        assertEquals(1, saved().size)
        activity.shutter() // too late, and no reason to fall over
    }

    /** As by a switch to the dark theme. */
    @Test
    fun anOpenedPhotoIsKept() {
        start()
        openPhoto()
        shadowOf(context.contentResolver).registerInputStream(PHOTO, jpeg().inputStream())
        controller.recreate()
        await { find<View>(R.id.picture).contentDescription.startsWith("Photo in") }
    }

    @Test
    fun saysThatAPhotoCannotBeOpened() {
        start()
        shadowOf(context.contentResolver).registerInputStreamSupplier(PHOTO) { throw IllegalStateException("another app's") }
        choosePhoto()
        await { "This photo cannot be opened." in texts() }
    }

    /** The screen does not wait for a frame that takes long; what comes next does, as two engines may not find room. */
    @Test
    fun leavesAtOnce() {
        val (reached, waiting) = List(2) { CountDownLatch(1) }
        val open = AtomicInteger()
        val most = AtomicInteger()
        Setup.engines = { model, backend ->
            val engine = Reference(model, backend, wrong = false)
            object : Engine by engine {
                init {
                    most.accumulateAndGet(open.incrementAndGet(), ::maxOf)
                }

                override fun paint(input: ByteBuffer, output: ByteBuffer) {
                    engine.paint(input, output)
                    if (slow) reached.countDown().also { waiting.await(20, TimeUnit.SECONDS) }
                }

                override fun close() {
                    open.decrementAndGet()
                }
            }
        }
        start()
        paintFrame()
        slow = true
        activity.live.startPipeline().offer(frame())
        assertTrue(reached.await(20, TimeUnit.SECONDS))
        val began = System.nanoTime()
        controller.pause()
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(1))
        controller.resume()
        activity.live.startPipeline().offer(frame())
        Thread.sleep(100)
        slow = false
        waiting.countDown()
        paintFrame()
        assertEquals(1, most.get())
    }

    @Volatile private var slow = false

    @Test
    fun showsTheOriginalWithoutHolding() {
        start()
        val photo = paintPhoto()
        val picture = find<PictureView>(R.id.picture)
        val painted = picture.shown
        picture.performAccessibilityAction(R.id.show_original, null)
        assertTrue(picture.shown === photo)
        controller.pause().resume()
        picture.performAccessibilityAction(R.id.show_original, null)
        assertTrue(picture.shown === painted)
    }

    @Test
    fun opensAndLeavesAPhoto() {
        start()
        openPhoto()
        Setup.engines = { _, _ -> throw UnsatisfiedLinkError("libtensorflowlite_jni.so is missing") }
        activity.swipe(1)
        await { texts().any { it == "The picture could not be painted: libtensorflowlite_jni.so is missing" } }
        @Suppress("DEPRECATION")
        activity.onBackPressed()
        assertTrue(find<View>(R.id.picture).contentDescription.startsWith("Live picture"))
    }
}
