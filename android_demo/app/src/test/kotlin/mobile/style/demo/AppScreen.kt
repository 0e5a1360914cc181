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
import java.util.concurrent.TimeUnit
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.Plane
import mobile.style.core.YuvFrame
import mobile.style.core.psnr
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowBuild

/** The app's one screen under test: opened, fed, read and judged, with engines that paint the golden reference. */
abstract class AppScreen {
    protected class Reference(model: Model, override val backend: Backend, private val wrong: Boolean) : Engine {
        private val goldens = model.goldens().ifEmpty { Styles.discover(context.assets).usable.last().models.first().goldens() }
        private var golden = goldens.first()
        override val nodes = 245
        override val delegated = 243
        override fun mix(shares: FloatArray) {
            golden = goldens.firstOrNull { shares contentEquals it.shares } ?: goldens.first()
        }
        override fun paint(input: ByteBuffer, output: ByteBuffer) {
            for (i in golden.reference.indices) {
                val value = golden.reference[i].toInt()
                output.put(i, (if (wrong) 255 - value else value).toByte())
            }
        }
        override fun close() = Unit
    }

    protected lateinit var controller: ActivityController<MainActivity>
    protected val activity get() = controller.get()
    protected val original = Setup.engines

    @Before
    fun useReferences() {
        GpuGuard.ended = null
        ShadowBuild.setModel(STAND_IN)
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

    @Suppress("DEPRECATION") // what follows it does not tell
    protected fun saved() = shadowOf(context.contentResolver).insertStatements

    /** From the gallery. */
    protected fun openPhoto(jpeg: ByteArray = jpeg()) {
        shadowOf(context.contentResolver).registerInputStream(PHOTO, jpeg.inputStream())
        choosePhoto()
        await { find<View>(R.id.picture).contentDescription.startsWith("Photo in") }
    }

    /** Opens a photo, waits for its painting, and returns what was shown until then: the photo. */
    protected fun paintPhoto(jpeg: ByteArray = jpeg()): Bitmap {
        openPhoto(jpeg)
        val picture = find<PictureView>(R.id.picture)
        val photo = picture.shown!!
        await { picture.shown !== photo }
        return photo
    }

    protected fun jpeg(): ByteArray {
        val photo = bitmap(styles().last().models.first().golden()!!.photo)
        return ByteArrayOutputStream().also { photo.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
    }

    protected fun choosePhoto() {
        activity.openPhoto()
        assertEquals(Intent.ACTION_GET_CONTENT, shadowOf(activity).nextStartedActivityForResult.intent.action)
        shadowOf(activity).receiveResult(
            Intent(Intent.ACTION_GET_CONTENT).setType("image/*").addCategory(Intent.CATEGORY_OPENABLE),
            android.app.Activity.RESULT_OK, Intent().setData(PHOTO),
        )
    }

    protected fun start(permission: Boolean = true) {
        if (permission) shadowOf(context as Application).grantPermissions(Manifest.permission.CAMERA)
        controller = Robolectric.buildActivity(MainActivity::class.java).setup()
        val starry = styles().indexOfFirst { it.name == "starry_night" }
        activity.choose(starry)
        activity.findViewById<View>(R.id.notice).takeIf { permission && cameraHere() }?.visibility = View.GONE
    }

    protected fun cameraHere() = context.packageManager.hasSystemFeature(PackageManager.FEATURE_CAMERA_ANY)

    /** Gives the app a frame and returns what it shows then. */
    protected fun paintFrame(): Bitmap {
        val pipeline = activity.live.startPipeline()
        val view = find<PictureView>(R.id.picture)
        val before = view.shown
        pipeline.offer(frame())
        await { view.shown != null && view.shown !== before }
        return view.shown!!
    }

    protected fun await(condition: () -> Boolean) {
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
        while (!condition()) {
            check(System.nanoTime() < end) { "waited in vain; on the screen: ${texts()}" }
            idle()
            Thread.sleep(5)
        }
    }

    protected fun idle() = shadowOf(Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS)

    protected fun <T : View> find(id: Int): T = activity.findViewById<T>(id)!!

    protected fun styles() = Styles.discover(context.assets).usable

    protected fun notice(): String {
        val notice = find<ViewGroup>(R.id.notice)
        return if (notice.visibility == View.VISIBLE) views(notice).filterIsInstance<TextView>().joinToString("\n") { it.text } else ""
    }

    protected fun texts() = views(find(android.R.id.content)).filterIsInstance<TextView>()
        .filter { it.isShown && it.text.isNotEmpty() }.map { it.text.toString() }

    protected fun views(view: View): List<View> =
        listOf(view) + if (view is ViewGroup) (0 until view.childCount).flatMap { views(view.getChildAt(it)) } else emptyList()

    protected fun assertEveryTargetCanBeHit() {
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
    protected fun assertNothingIsCovered() {
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

    protected fun layOut(): View {
        val root = activity.window.decorView
        val metrics = context.resources.displayMetrics
        val exactly = View.MeasureSpec.EXACTLY
        root.measure(View.MeasureSpec.makeMeasureSpec(metrics.widthPixels, exactly), View.MeasureSpec.makeMeasureSpec(metrics.heightPixels, exactly))
        root.layout(0, 0, metrics.widthPixels, metrics.heightPixels)
        return root
    }

    protected fun screenshot(name: String) {
        idle()
        val root = layOut()
        idle()
        val bitmap = Bitmap.createBitmap(root.width, root.height, Bitmap.Config.ARGB_8888)
        root.draw(Canvas(bitmap))
        val colors = (0 until 400).map { bitmap.getPixel(it * 997 % bitmap.width, it * 1499 % bitmap.height) }.toSet()
        assertTrue("a blank screen", colors.size > 10)
        File(System.getProperty("screenshots"), "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    protected fun difference(picture: Bitmap): Double {
        val golden = golden()
        val pixels = IntArray(256 * 256).also { picture.getPixels(it, 0, 256, 0, 0, 256, 256) }
        return psnr(ByteArray(3 * pixels.size).also { mobile.style.core.rgb(pixels, ByteBuffer.wrap(it)) }, golden.reference)
    }

    protected fun golden() = styles().single { it.name == "starry_night" }.models.first().golden()!!

    protected fun bitmap(rgb: ByteArray): Bitmap {
        val pixels = IntArray(rgb.size / 3) { Color.rgb(rgb[3 * it].toInt() and 255, rgb[3 * it + 1].toInt() and 255, rgb[3 * it + 2].toInt() and 255) }
        return Bitmap.createBitmap(pixels, 256, 256, Bitmap.Config.ARGB_8888)
    }

    /** The golden photo as a camera would give it. */
    protected fun frame(): Frame {
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
}

internal const val STAND_IN = "No phone: a stand-in for the engine"
internal val PHOTO: android.net.Uri = android.net.Uri.parse("content://photos/1")
internal val context: Context get() = RuntimeEnvironment.getApplication()
