package mobile.style.demo

import android.Manifest
import android.app.Application
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Rect
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.SeekBar
import android.widget.TextView
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.Json
import mobile.style.core.Plane
import mobile.style.core.YuvFrame
import mobile.style.core.psnr
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * The app on Android's own framework classes, with the models' engines replaced, as TensorFlow Lite's libraries are
 * for phones: what is painted is the golden picture's float reference.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h891dp-port-notnight-420dpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class AppTest {
    private class Reference(model: Model, override val backend: Backend, private val wrong: Boolean) : Engine {
        private val golden = model.golden() ?: Styles.discover(context.assets).usable.last().models.first().golden()!!
        override val nodes = 245
        override val delegated = 243
        override fun paint(input: ByteBuffer, output: ByteBuffer) {
            for (i in golden.reference.indices) {
                val value = golden.reference[i].toInt()
                output.put(i, (if (wrong) 255 - value else value).toByte())
            }
        }
        override fun close() = Unit
    }

    private lateinit var controller: ActivityController<MainActivity>
    private val activity get() = controller.get()
    private val original = Setup.engines

    @Before
    fun useReferences() {
        Setup.engines = { model, backend ->
            if (backend.kind == Backend.Kind.GPU) throw IllegalArgumentException("this phone has no GPU delegate")
            Reference(model, backend, wrong = false)
        }
        shadowOf(context.packageManager).setSystemFeature(PackageManager.FEATURE_CAMERA_ANY, true)
    }

    @After
    fun close() {
        if (::controller.isInitialized && !activity.isDestroyed) controller.pause().stop().destroy()
        Setup.engines = original
    }

    @Test
    fun paintsTheCamera() {
        start()
        val picture = paintFrame()
        assertTrue("${difference(picture)} dB", difference(picture) > 60)
        assertEquals("Starry Night", texts().first())
        screenshot("live")
        find<SeekBar>(R.id.strength).progress = 0
        val photo = paintFrame()
        assertTrue("no style left", difference(photo) < 20)
        find<SeekBar>(R.id.strength).progress = 100
        activity.hold(true)
        assertTrue("the original", difference(paintFrame()) < 20)
        screenshot("original")
        activity.hold(false)
        assertTrue(difference(paintFrame()) > 60)
    }

    @Test
    fun tellsTheTruth() {
        start()
        repeat(5) { paintFrame() }
        find<View>(R.id.info).performClick()
        idle()
        val told = texts().joinToString("\n")
        for (part in listOf("frames a second", "Convert", "Infer", "243 of 245 nodes", "XNNPACK", "no GPU delegate", "256 × 256", "int8")) {
            assertTrue("$part in\n$told", part in told)
        }
        screenshot("truth")
        @Suppress("DEPRECATION")
        activity.onBackPressed()
        assertFalse(texts().any { "frames a second" in it })
        assertFalse(activity.isFinishing)
    }

    @Test
    @Config(qualifiers = "w891dp-h411dp-land-notnight-420dpi")
    fun liesOnItsSide() {
        start()
        paintFrame()
        screenshot("landscape")
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
        assertEquals(styles().map { it.title } .sorted(), names.drop(1).sorted())
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
        activity.show(CameraTrouble.IN_USE)
        assertTrue(notice().contains("Another app is using the camera"))
        screenshot("in_use_dark")
        activity.show(CameraTrouble.ERROR)
        assertTrue(notice().contains("Try again"))
        activity.show(CameraTrouble.NONE_HERE)
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
        activity.startPipeline().offer(frame())
        await { notice().contains("libtensorflowlite_jni.so is missing") }
    }

    @Test
    fun refusesAnEngineThatPaintsSomethingElse() {
        Setup.engines = { model, backend -> Reference(model, backend, wrong = backend.kind == Backend.Kind.XNNPACK) }
        start()
        paintFrame()
        val truth = activity.startPipeline().truth()!!
        assertTrue(truth.reason!!.failed.all { it.backend.kind == Backend.Kind.XNNPACK && "dB instead of" in it.failure!! })
        assertFalse(truth.engine!!.backend.kind == Backend.Kind.XNNPACK)
    }

    @Test
    fun testsThePhone() {
        val rightly = selfTest(styles(), Backend(Backend.Kind.XNNPACK), context.resources, Setup.engines)
        assertTrue(rightly.toString(), rightly.any { it.startsWith("Starry Night") && "as it should be" in it })
        assertTrue(rightly.toString(), rightly.any { it.startsWith("My Own") && "no golden picture" in it })
        val wrongly = selfTest(styles(), Backend(Backend.Kind.XNNPACK), context.resources) { model, backend -> Reference(model, backend, true) }
        assertTrue(wrongly.toString(), wrongly.any { "computes it wrongly" in it })
    }

    @Test
    fun writesTheBenchmark() {
        val file = File(System.getProperty("screenshots"), "benchmark.json") // which the Python side then reads
        Benchmark(styles(), Setup.engines, { "2.16.1" }, heat = { 0 }, runs = 12).write(file) { _, _ -> }
        val report = Json.parse(file.readText()) as Map<*, *>
        val rows = (report["rows"] as List<*>).map { it as Map<*, *> }
        assertEquals(styles().map { it.name }.toSet(), rows.map { it["model"] }.toSet())
        assertTrue(rows.filter { it["accelerator"] == "gpu" }.all { "no GPU delegate" in it["failure"] as String })
        assertTrue(rows.filter { it["accelerator"] == "xnnpack" }.all { (it["times_ms"] as List<*>).size == 12 })
    }

    @Test
    fun paintsAPhotoInTiles() {
        val photo = Bitmap.createBitmap(700, 900, Bitmap.Config.ARGB_8888).also { it.eraseColor(Color.rgb(10, 20, 30)) }
        val jpeg = ByteArrayOutputStream().also { photo.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
        val decoded = Photos.decode(jpeg, 512, 256)!!
        assertEquals(512, maxOf(decoded.width, decoded.height))
        val inverse = mobile.style.core.Painter { from, to ->
            for (i in 0 until from.capacity()) to.put(i, (255 - (from.get(i).toInt() and 255)).toByte())
        }
        val painted = Photos.paint(decoded, inverse, styles().first().models.first(), 256) {}
        assertEquals(decoded.width to decoded.height, painted.width to painted.height)
        assertEquals(decoded.getPixel(200, 300) xor 0xFFFFFF, painted.getPixel(200, 300))
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
        activity.startPipeline().offer(frame())
        assertTrue(reached.await(20, TimeUnit.SECONDS))
        val began = System.nanoTime()
        controller.pause()
        assertTrue(System.nanoTime() - began < TimeUnit.SECONDS.toNanos(1))
        controller.resume()
        activity.startPipeline().offer(frame())
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

    @Suppress("DEPRECATION") // what follows it does not tell
    private fun saved() = shadowOf(context.contentResolver).insertStatements

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

    // Helpers

    /** From the gallery. */
    private fun openPhoto() {
        shadowOf(context.contentResolver).registerInputStream(PHOTO, jpeg().inputStream())
        choosePhoto()
        await { find<View>(R.id.picture).contentDescription.startsWith("Photo in") }
    }

    /** Opens a photo, waits for its painting, and returns what was shown until then: the photo. */
    private fun paintPhoto(): Bitmap {
        openPhoto()
        val picture = find<PictureView>(R.id.picture)
        val photo = picture.shown!!
        await { picture.shown !== photo }
        return photo
    }

    private fun jpeg(): ByteArray {
        val photo = bitmap(styles().last().models.first().golden()!!.photo)
        return ByteArrayOutputStream().also { photo.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
    }

    private fun choosePhoto() {
        activity.openPhoto()
        assertEquals(Intent.ACTION_GET_CONTENT, shadowOf(activity).nextStartedActivityForResult.intent.action)
        shadowOf(activity).receiveResult(
            Intent(Intent.ACTION_GET_CONTENT).setType("image/*").addCategory(Intent.CATEGORY_OPENABLE),
            android.app.Activity.RESULT_OK, Intent().setData(PHOTO),
        )
    }

    private fun start(permission: Boolean = true) {
        if (permission) shadowOf(context as Application).grantPermissions(Manifest.permission.CAMERA)
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        val starry = styles().indexOfFirst { it.name == "starry_night" }
        activity.choose(starry)
        activity.findViewById<View>(R.id.notice).takeIf { permission && cameraHere() }?.visibility = View.GONE
    }

    private fun cameraHere() = context.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)

    /** Gives the app a frame and returns what it shows then. */
    private fun paintFrame(): Bitmap {
        val pipeline = activity.startPipeline()
        val view = find<PictureView>(R.id.picture)
        val before = view.shown
        pipeline.offer(frame())
        await { view.shown != null && view.shown !== before }
        return view.shown!!
    }

    private fun await(condition: () -> Boolean) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20)
        while (!condition()) {
            check(System.nanoTime() < end) { "waited in vain; on the screen: ${texts()}" }
            idle()
            Thread.sleep(5)
        }
    }

    private fun idle() = shadowOf(Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS)

    private fun <T : View> find(id: Int): T = activity.findViewById<T>(id)!!

    private fun styles() = Styles.discover(context.assets).usable

    private fun notice(): String {
        val notice = find<ViewGroup>(R.id.notice)
        return if (notice.visibility == View.VISIBLE) views(notice).filterIsInstance<TextView>().joinToString("\n") { it.text } else ""
    }

    private fun texts() = views(find(android.R.id.content)).filterIsInstance<TextView>()
        .filter { it.isShown && it.text.isNotEmpty() }.map { it.text.toString() }

    private fun views(view: View): List<View> =
        listOf(view) + if (view is ViewGroup) (0 until view.childCount).flatMap { views(view.getChildAt(it)) } else emptyList()

    private fun assertEveryTargetCanBeHit() {
        layOut()
        val density = context.resources.displayMetrics.density
        val targets = views(find(android.R.id.content)).filter { it.isShown && it.hasOnClickListeners() }
        assertTrue("${targets.size} targets", targets.size >= 5)
        for (target in targets) {
            val name = target.contentDescription ?: (target as? TextView)?.text
            assertFalse("$target has no words", name.isNullOrEmpty())
            assertTrue("$name is too small", target.width >= 48 * density - 1 && target.height >= 48 * density - 1)
        }
    }

    /** Nothing to press or slide sticks out, or lies under something else; but the strip of styles scrolls. */
    private fun assertNothingIsCovered() {
        val root = layOut()
        val things = views(find(android.R.id.content)).filter { it.isShown && it !is StyleTile && (it.hasOnClickListeners() || it is SeekBar) }
        val places = things.associateWith { view ->
            val (x, y) = IntArray(2).also(view::getLocationInWindow)
            Rect(x, y, x + view.width, y + view.height)
        }
        for ((view, place) in places) {
            assertTrue("${view.contentDescription} at $place", Rect(0, 0, root.width, root.height).contains(place))
            val under = places.filter { (other, its) -> other !== view && Rect.intersects(its, place) }.keys
            assertEquals("${view.contentDescription}", emptyList<CharSequence>(), under.map { it.contentDescription })
        }
    }

    private fun layOut(): View {
        val root = activity.window.decorView
        val metrics = context.resources.displayMetrics
        val exactly = View.MeasureSpec.EXACTLY
        root.measure(View.MeasureSpec.makeMeasureSpec(metrics.widthPixels, exactly), View.MeasureSpec.makeMeasureSpec(metrics.heightPixels, exactly))
        root.layout(0, 0, metrics.widthPixels, metrics.heightPixels)
        return root
    }

    private fun screenshot(name: String) {
        idle()
        val root = layOut()
        idle()
        val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(bitmap))
        val colours = (0 until 400).map { bitmap.getPixel(it * 997 % bitmap.width, it * 1499 % bitmap.height) }.toSet()
        assertTrue("a blank screen", colours.size > 10)
        File(System.getProperty("screenshots"), "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private fun difference(picture: Bitmap): Double {
        val golden = golden()
        val pixels = IntArray(256 * 256).also { picture.getPixels(it, 0, 256, 0, 0, 256, 256) }
        return psnr(ByteArray(3 * pixels.size).also { mobile.style.core.rgb(pixels, ByteBuffer.wrap(it)) }, golden.reference)
    }

    private fun golden() = styles().single { it.name == "starry_night" }.models.first().golden()!!

    private fun bitmap(rgb: ByteArray): Bitmap {
        val pixels = IntArray(rgb.size / 3) { Color.rgb(rgb[3 * it].toInt() and 255, rgb[3 * it + 1].toInt() and 255, rgb[3 * it + 2].toInt() and 255) }
        return Bitmap.createBitmap(pixels, 256, 256, Bitmap.Config.ARGB_8888)
    }

    /** The golden photo as a camera would give it. */
    private fun frame(): Frame {
        val rgb = golden().photo
        val (y, u, v) = List(3) { ByteBuffer.allocateDirect(if (it == 0) 256 * 256 else 128 * 128) }
        for (i in 0 until 256 * 256) {
            val (r, g, b) = List(3) { rgb[3 * i + it].toInt() and 255 }
            y.put(i, (0.299 * r + 0.587 * g + 0.114 * b).toInt().toByte())
            if (i / 256 % 2 == 0 && i % 2 == 0) {
                val at = i / 512 * 128 + i % 256 / 2
                u.put(at, (128 - 0.1687 * r - 0.3313 * g + 0.5 * b).toInt().toByte())
                v.put(at, (128 + 0.5 * r - 0.4187 * g - 0.0813 * b).toInt().toByte())
            }
        }
        val taken = System.nanoTime()
        return Frame(YuvFrame(256, 256, Plane(y, 256, 1), Plane(u, 128, 1), Plane(v, 128, 1)), taken, System::nanoTime) {}
    }

    private companion object {
        val PHOTO: android.net.Uri = android.net.Uri.parse("content://photos/1")
        val context: Context get() = RuntimeEnvironment.getApplication()
    }
}
