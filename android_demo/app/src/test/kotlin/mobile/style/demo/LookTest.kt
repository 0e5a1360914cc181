package mobile.style.demo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.view.View
import android.widget.SeekBar
import android.widget.TextView
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.Collections
import mobile.style.core.Backend
import mobile.style.core.Engine
import mobile.style.core.shares
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowPopupMenu

/** The styles of one file, their mixes, and the strokes of photos. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h891dp-port-notnight-420dpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class LookTest : AppScreen() {
    private val opened = Collections.synchronizedList(ArrayList<String>())
    private val told = Collections.synchronizedList(ArrayList<List<Float>>())
    @Volatile private var tiles = 0

    /** By the engine itself, on one backend, as the others take their time. */
    private fun useTheEngine() {
        Setup.engines = { model, backend ->
            check(backend == Backend(Backend.Kind.XNNPACK, 1)) { "not tried" }
            noting(original(model, backend), model)
        }
    }

    private fun noting(engine: Engine, model: Model): Engine {
        opened += model.card.name
        return object : Engine by engine {
            override fun mix(shares: FloatArray) = engine.mix(shares).also { told += shares.toList() }
            override fun paint(input: ByteBuffer, output: ByteBuffer) = engine.paint(input, output).also { tiles++ }
        }
    }

    private fun choose(name: String) = activity.choose(styles().indexOfFirst { it.name == name })

    private fun tab(words: String) =
        views(find<View>(R.id.strength).parent.parent as View).filterIsInstance<TextView>().single { it.isShown && it.text.startsWith(words) }

    private fun offered(): List<String> {
        val menu = ShadowPopupMenu.getLatestPopupMenu().menu
        return (0 until menu.size()).map { menu.getItem(it).title.toString() }
    }

    private fun pick(title: String) {
        val menu = ShadowPopupMenu.getLatestPopupMenu().menu
        assertTrue(menu.performIdentifierAction(menu.getItem(offered().indexOf(title)).itemId, 0))
        idle()
    }

    private fun mix(title: String) {
        tab("Mix").performClick()
        pick(title)
    }

    /** Once the engine has been told of these shares and a frame is on the screen: the one before it may still come. */
    private fun painted(shares: FloatArray): Bitmap {
        val pipeline = activity.live.startPipeline()
        val view = find<PictureView>(R.id.picture)
        await {
            pipeline.offer(frame())
            told.lastOrNull() == shares.toList()
        }
        repeat(2) {
            val before = view.shown
            await {
                pipeline.offer(frame()) // a slow machine leaves out every second
                view.shown != null && view.shown !== before
            }
        }
        return view.shown!!.let { it.copy(it.config!!, false) }
    }

    private fun largePhoto(): ByteArray {
        val golden = jpeg()
        val photo = Bitmap.createScaledBitmap(BitmapFactory.decodeByteArray(golden, 0, golden.size), 900, 700, true)
        return ByteArrayOutputStream().also { photo.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
    }

    @Test
    fun mixesTheStylesOfOneFileWithoutLoadingIt() {
        useTheEngine()
        start()
        choose("many:udnie")
        val udnie = painted(shares(20, 1, 0, 0))
        choose("many:starry_night")
        val loads = opened.size
        val starry = painted(shares(20, 0, 1, 0))
        assertEquals("Starry Night", texts().first())
        assertFalse(starry.sameAs(udnie))
        tab("Mix").performClick()
        assertEquals(19, offered().size) // the other styles of the file
        assertFalse("Starry Night" in offered() || "My Own" in offered())
        pick("Udnie")
        assertEquals("Starry Night + Udnie", texts().first())
        val half = painted(shares(20, 0, 1, 50))
        assertFalse(half.sameAs(starry) || half.sameAs(udnie))
        val slider = find<SeekBar>(R.id.mix)
        slider.progress = 100
        assertTrue("its second style alone", painted(shares(20, 0, 1, 100)).sameAs(udnie))
        slider.progress = 0
        assertTrue("its first style alone", painted(shares(20, 0, 1, 0)).sameAs(starry))
        slider.progress = 40
        painted(shares(20, 0, 1, 40))
        assertEquals("loaded anew: $opened", loads, opened.size)
        activity.hold(true)
        activity.hold(false)
        screenshot("mix")
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }

    @Test
    fun saysWhatIsMixed() {
        start()
        choose("many:great_wave")
        mix("Rhone")
        val slider = find<SeekBar>(R.id.mix)
        assertTrue(slider.isShown && !find<View>(R.id.strength).isShown)
        assertEquals("How much of Rhone is in Great Wave", slider.contentDescription)
        assertEquals("Live picture in the style of Great Wave mixed with Rhone", find<View>(R.id.picture).contentDescription)
        slider.progress = 30
        assertEquals("Great Wave 70% · Rhone 30%", texts()[1])
        assertEquals("Great Wave 70% · Rhone 30%", slider.stateDescription)
        activity.hold(true)
        activity.hold(false)
        assertEquals("Great Wave 70% · Rhone 30%", texts()[1])
        tab("Strength").performClick()
        assertTrue(find<View>(R.id.strength).isShown && !slider.isShown)
        tab("Mix: Rhone").performClick()
        assertTrue(slider.isShown)
    }

    @Test
    fun aMixIsKeptAndLeft() {
        start()
        choose("many:great_wave")
        mix("Rhone")
        find<SeekBar>(R.id.mix).progress = 30
        controller.recreate()
        idle()
        assertEquals("Great Wave + Rhone", texts().first())
        assertEquals(30, find<SeekBar>(R.id.mix).progress)
        tab("Mix: Rhone").performClick()
        mix("No mix")
        assertEquals("Great Wave", texts().first())
        assertTrue(find<View>(R.id.strength).isShown)
        mix("Udnie")
        activity.swipe(1)
        assertFalse("+" in texts().first())
        choose("starry_night") // of a file of its own
        assertTrue(texts().none { "Mix" in it })
    }

    /** Which of them is not said where there are tabs: one is in another color. */
    @Test
    fun everySliderShowsItsNameAndItsValue() {
        start()
        assertEquals(listOf("Strength", "100%"), knobs())
        find<SeekBar>(R.id.strength).progress = 80
        assertEquals(listOf("Strength", "80%"), knobs())
        choose("many:great_wave")
        mix("Rhone")
        find<SeekBar>(R.id.mix).progress = 40
        assertEquals(listOf("Strength", "Mix: Rhone ▾", "40%"), knobs())
        openPhoto(largePhoto())
        tab("Strokes").performClick()
        find<SeekBar>(R.id.strokes).progress = 5
        assertEquals(listOf("Strength", "Mix: Rhone ▾", "Strokes", "1.5 ×"), knobs())
        tab("Strength").performClick()
        assertEquals("80%", knobs().last())
        val said = views(find<View>(R.id.strength).parent as View).filter { it.isShown && it.isImportantForAccessibility }
        assertEquals(listOf<CharSequence?>("Strength of the style"), said.mapNotNull { it.contentDescription ?: (it as? TextView)?.text })
    }

    private fun knobs() = views(find<View>(R.id.strength).parent.parent as View)
        .filterIsInstance<TextView>().filter { it.isShown }.map { it.text.toString() }

    @Test
    fun thumbnailsAndAPictureAsWideAsTheScreenFillIt() {
        start()
        paintFrame()
        layOut()
        val density = context.resources.displayMetrics.density
        val tile = views(find(android.R.id.content)).filterIsInstance<StyleTile>().first()
        val above = IntArray(2).also(find<View>(R.id.strength)::getLocationInWindow)[1]
        val square = context.resources.displayMetrics.widthPixels
        val heading = find<View>(R.id.info).let { it.bottom + it.top }
        assertTrue("${tile.width}", tile.width > 120 * density)
        assertTrue("$above", above - heading - square in 0..(90 * density).toInt())
    }

    @Test
    fun paintsAPhotoWithBroadStrokes() {
        Setup.engines = { model, backend ->
            check(backend.kind != Backend.Kind.GPU) { "this phone has no GPU delegate" }
            noting(Reference(model, backend, wrong = false), model)
        }
        start()
        paintPhoto(largePhoto())
        val picture = find<PictureView>(R.id.picture)
        val fine = picture.shown
        tab("Strokes").performClick()
        val slider = find<SeekBar>(R.id.strokes)
        assertEquals(3 to 17, slider.progress to slider.max) // 700 / 540; and 700 pixels hold no more than 2.7 tiles
        tiles = 0
        slider.progress = 10
        assertEquals("Strokes 2.0 times as broad", texts()[1])
        assertEquals("Strokes 2.0 times as broad", slider.stateDescription)
        await { picture.shown !== fine }
        assertEquals(900 to 700, picture.shown!!.let { it.width to it.height })
        // Six tiles of 450 x 350 pixels; the camera's engine may be tried with its three golden pictures meanwhile.
        assertTrue("$tiles tiles", tiles == 3 * 2 || tiles == 3 * 2 + 3)
        choose("many:udnie")
        mix("Rhone")
        await { told.lastOrNull() == shares(20, 1, 9, 50).toList() }
        screenshot("strokes")
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
        activity.flip()
        assertTrue(texts().none { it == "Strokes" })
    }

    /** With all three sliders to choose from. */
    @Test
    @Config(qualifiers = "w592dp-h336dp-land-notnight-xhdpi")
    fun isLow() {
        start()
        choose("many:composition_vii")
        mix("Self Portrait")
        openPhoto(largePhoto())
        screenshot("low_mix")
        tab("Strokes").performClick()
        assertEveryTargetCanBeHit()
        assertNothingIsCovered()
    }
}
