package mobile.style.demo

import android.content.Context
import android.content.res.Configuration
import android.text.TextUtils
import android.view.Gravity
import android.view.View
import android.widget.FrameLayout
import android.widget.HorizontalScrollView
import android.widget.LinearLayout
import android.widget.ScrollView
import android.widget.Space
import android.widget.TextView

/** What the user can do. */
interface Actions {
    fun choose(style: Int)
    fun swipe(by: Int)
    fun hold(original: Boolean)
    fun strength(percent: Int)
    fun mixWith(other: Style?)
    fun mixShare(percent: Int)
    fun strokes(times: Float)
    fun shutter()
    fun openPhoto()
    fun flip()
    fun share()
    fun diagnostics(visible: Boolean)
    fun selfTest()
}

/** Everything on the screen, from the picture at the back to the sheets in front; it knows nothing of cameras. */
class Screen(context: Context, private val actions: Actions) : FrameLayout(context) {
    val picture = PictureView(context).apply { id = R.id.picture }
    private val title = heading(label(context, 26f, R.color.over), lines = 1).apply { letterSpacing = -0.01f }
    private val status = heading(label(context, 13f, R.color.over_soft), lines = 2).apply {
        accessibilityLiveRegion = ACCESSIBILITY_LIVE_REGION_POLITE
    }
    private val flip = roundButton(context, R.drawable.ic_flip, R.string.flip) { actions.flip() }
    private val info = roundButton(context, R.drawable.ic_info, R.string.info) { showDiagnostics(!diagnosticsVisible) }
    private val top = LinearLayout(context)
    private val strip = LinearLayout(context)
    private val scroller = HorizontalScrollView(context)
    val knobs = Knobs(context, actions)
    private val shutter = ShutterButton(context)
    private val panel = LinearLayout(context)
    private val notice = LinearLayout(context)
    private val noticeTitle = label(context, 22f, R.color.ink, medium = true)
    private val noticeText = label(context, 16f, R.color.ink_soft)
    private val noticeButton = filledButton(context) { noticeAction() }
    private var noticeAction: () -> Unit = {}
    val diagnostics = DiagnosticsPanel(context, { showDiagnostics(false) }, actions::selfTest).apply { visibility = View.GONE }
    private val covered = IntArray(4)

    val diagnosticsVisible get() = diagnostics.visibility == View.VISIBLE

    init {
        setBackgroundColor(context.getColor(R.color.night))
        addView(picture, LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.MATCH_PARENT))
        buildTop()
        buildPanel()
        addView(diagnostics)
        buildNotice()
        picture.onSwipe = actions::swipe
        picture.onHold = actions::hold
        setOnApplyWindowInsetsListener { _, insets ->
            Newer.covered(insets).copyInto(covered)
            arrange()
            insets
        }
        arrange()
    }

    fun showStyles(styles: List<Style>) {
        strip.removeAllViews()
        styles.forEachIndexed { index, style ->
            val tile = StyleTile(context, style.thumbnail, style.title)
            tile.setOnClickListener { actions.choose(index) }
            strip.addView(tile)
        }
    }

    fun showChosen(index: Int, look: Look, others: List<Style>, still: Boolean) {
        title.text = look.title
        knobs.show(look, others)
        arrange()
        val other = look.other
        val name = if (other == null) look.title else context.getString(R.string.mixed, look.style.title, other.title)
        picture.contentDescription = context.getString(if (still) R.string.picture_still else R.string.picture, name)
        for (i in 0 until strip.childCount) strip.getChildAt(i).isSelected = i == index
        scroller.post(::centerChosen)
        shutter.contentDescription = context.getString(if (still) R.string.save else R.string.shutter)
        flip.contentDescription = context.getString(if (still) R.string.back_to_camera else R.string.flip)
        flip.tooltipText = flip.contentDescription
        flip.setImageResource(if (still) R.drawable.ic_close else R.drawable.ic_flip)
    }

    private fun centerChosen() {
        val tile = (0 until strip.childCount).map(strip::getChildAt).firstOrNull { it.isSelected } ?: return
        scroller.smoothScrollTo(tile.left - (scroller.width - tile.width) / 2, 0)
    }

    fun showStatus(text: String) {
        status.text = text
    }

    fun showFlip(possible: Boolean) {
        flip.visibility = if (possible) View.VISIBLE else View.GONE
    }

    fun allowShutter(possible: Boolean) {
        shutter.isEnabled = possible
        shutter.invalidate()
    }

    /** A sheet with words and one thing to do; nothing to do if [button] is null. */
    fun showNotice(title: String, text: String, button: String?, action: () -> Unit) {
        noticeTitle.text = title
        noticeText.text = text
        noticeButton.text = button
        noticeButton.visibility = if (button == null) View.GONE else View.VISIBLE
        noticeAction = action
        notice.visibility = View.VISIBLE
        announceForAccessibility("$title. $text")
    }

    fun hideNotice() {
        notice.visibility = View.GONE
    }

    fun showDiagnostics(visible: Boolean) {
        diagnostics.visibility = if (visible) View.VISIBLE else View.GONE
        actions.diagnostics(visible)
    }

    override fun onConfigurationChanged(configuration: Configuration) {
        super.onConfigurationChanged(configuration)
        arrange()
    }

    private fun buildTop() {
        top.gravity = Gravity.CENTER_VERTICAL
        val words = LinearLayout(context).apply { orientation = LinearLayout.VERTICAL }
        words.addView(title)
        words.addView(status)
        top.addView(words, LinearLayout.LayoutParams(0, LayoutParams.WRAP_CONTENT, 1f))
        top.addView(info)
        top.addView(Space(context), LinearLayout.LayoutParams(context.dp(8), 0))
        top.addView(flip)
        info.id = R.id.info
        addView(top)
    }

    private fun buildPanel() {
        panel.orientation = LinearLayout.VERTICAL
        panel.gravity = Gravity.CENTER_HORIZONTAL
        panel.addView(knobs)
        scroller.isHorizontalScrollBarEnabled = false
        scroller.isFillViewport = true
        strip.gravity = Gravity.CENTER
        strip.setPadding(context.dp(12), 0, context.dp(12), 0)
        strip.addOnLayoutChangeListener { _, left, _, right, _, oldLeft, _, oldRight, _ ->
            if (right - left != oldRight - oldLeft) scroller.post(::centerChosen) // its thumbnails have another size
        }
        scroller.addView(strip)
        panel.addView(scroller, LinearLayout.LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT))
        val row = LinearLayout(context).apply { gravity = Gravity.CENTER }
        row.addView(roundButton(context, R.drawable.ic_photo, R.string.open_photo, 52) { actions.openPhoto() })
        row.addView(Space(context), LinearLayout.LayoutParams(context.dp(40), 0))
        row.addView(shutter, LinearLayout.LayoutParams(context.dp(78), context.dp(78)))
        row.addView(Space(context), LinearLayout.LayoutParams(context.dp(40), 0))
        row.addView(roundButton(context, R.drawable.ic_share, R.string.share, 52) { actions.share() })
        shutter.setOnClickListener { actions.shutter() }
        val spaced = LinearLayout.LayoutParams(LayoutParams.WRAP_CONTENT, LayoutParams.WRAP_CONTENT)
        spaced.setMargins(0, context.dp(16), 0, context.dp(16))
        panel.addView(row, spaced)
        addView(panel)
    }

    private fun buildNotice() {
        notice.id = R.id.notice
        notice.orientation = LinearLayout.VERTICAL
        notice.background = rounded(context, R.color.sheet, 28)
        notice.setPadding(context.dp(28), context.dp(28), context.dp(28), context.dp(28))
        notice.addView(noticeTitle)
        val scroll = ScrollView(context).apply { addView(noticeText) } // the button keeps its place when the words are many
        notice.addView(scroll, spaced(12).apply { height = 0; weight = 1f })
        notice.addView(noticeButton, spaced(24))
        notice.visibility = View.GONE
        addView(notice, LayoutParams(context.dp(328), LayoutParams.WRAP_CONTENT, Gravity.CENTER))
    }

    private fun spaced(above: Int) = LinearLayout.LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT).apply {
        topMargin = context.dp(above)
    }

    /**
     * Controls below the picture, or at its right where the screen is wider than high, whichever way one reads; on a low
     * one the heading is over the picture. The thumbnails take the room that a square picture as wide as the screen
     * leaves.
     */
    private fun arrange() {
        val configuration = resources.configuration
        val wide = configuration.screenHeightDp < configuration.screenWidthDp + SQUARE
        val beside = wide && configuration.screenHeightDp >= LOW
        val (left, upper, right, lower) = covered
        val sideDp = (configuration.screenWidthDp * 45 / 100).coerceIn(280, 340)
        val side = context.dp(sideDp)
        val breadth = minOf(if (wide) sideDp else configuration.screenWidthDp - 16, BROADEST)
        knobs.layoutParams = LinearLayout.LayoutParams(context.dp(breadth), LayoutParams.WRAP_CONTENT)
        val panelWidth = if (wide) side + right else LayoutParams.MATCH_PARENT
        panel.layoutParams = LayoutParams(panelWidth, LayoutParams.WRAP_CONTENT, Gravity.BOTTOM or Gravity.RIGHT)
        panel.setPadding(if (wide) 0 else left, 0, right, lower)
        val topWidth = if (beside) side + right else LayoutParams.MATCH_PARENT
        val over = wide && !beside
        top.layoutParams = LayoutParams(topWidth, LayoutParams.WRAP_CONTENT, Gravity.TOP or Gravity.RIGHT)
            .apply { rightMargin = if (over) side + right else 0 }
        val inset = context.dp(12)
        top.setPadding(context.dp(20) + if (beside) 0 else left, upper + inset, context.dp(16) + if (over) 0 else right, inset)
        val sheet = context.dp(minOf(420, configuration.screenWidthDp - 24))
        diagnostics.layoutParams = LayoutParams(sheet, LayoutParams.WRAP_CONTENT, if (wide) Gravity.CENTER else Gravity.BOTTOM or Gravity.CENTER_HORIZONTAL)
            .apply { setMargins(0, upper + context.dp(12), 0, lower + context.dp(12)) }
        val others = PANEL + if (knobs.tabbed) Knobs.TAB else 0
        val taken = others + (if (over) 0 else HEADING) + if (wide) 0 else configuration.screenWidthDp
        val bars = ((upper + lower) / resources.displayMetrics.density).toInt()
        val tile = (configuration.screenHeightDp - bars - taken).coerceIn(StyleTile.SMALLEST, StyleTile.LARGEST)
        for (i in 0 until strip.childCount) (strip.getChildAt(i) as StyleTile).resize(tile)
        val height = if (wide) 0 else context.dp(others + tile)
        val heading = context.dp(if (beside) 0 else HEADING)
        picture.keepFree(left, upper + heading, if (wide) side + right else right, lower + height)
    }

    /** It stays clear of the picture and the controls, however large the phone's letters are. */
    private fun heading(view: TextView, lines: Int) = view.apply {
        maxLines = lines
        ellipsize = TextUtils.TruncateAt.END
    }

    private operator fun IntArray.component4() = this[3]

    private companion object {
        const val PANEL = 198 // dp of the controls but for tabs and thumbnails
        const val BROADEST = 400 // dp of a slider
        const val HEADING = 84
        const val SQUARE = 60 // dp that a screen must be higher than wide to have its controls below
        const val LOW = 360
    }
}
