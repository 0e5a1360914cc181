package mobile.style.demo

import android.content.Context
import android.content.res.ColorStateList
import android.text.TextUtils
import android.view.Gravity
import android.view.View
import android.widget.LinearLayout
import android.widget.PopupMenu
import android.widget.SeekBar
import android.widget.TextView
import kotlin.math.roundToInt

/**
 * The sliders, one at a time: the style's strength, the share of a second style, and a photo's stroke width, with its
 * value at its right. Above them is a tab for each that can be had now; the strength alone has its name at its left instead.
 */
class Knobs(context: Context, private val actions: Actions) : LinearLayout(context) {
    private val strength = Knob(R.id.strength, R.string.tab_strength, 100, 100, ::percent) { actions.strength(it) }
    private val mix = Knob(R.id.mix, R.string.tab_mix, 100, 0, ::percent) { actions.mixShare(it) }
    private val strokes = Knob(R.id.strokes, R.string.tab_strokes, TENTHS, 0, { context.getString(R.string.strokes_value, timesAt(it)) }) { actions.strokes(times) }
    private val knobs = listOf(strength, mix, strokes)
    private val tabs = LinearLayout(context)
    private var chosen = strength
    private var look: Look? = null
    private var others = emptyList<Style>()

    /** Whether there are tabs, which take [TAB] dp. */
    val tabbed get() = tabs.visibility == View.VISIBLE

    private val times: Float get() = timesAt(strokes.slider.progress)

    init {
        orientation = VERTICAL
        tabs.isBaselineAligned = false // the sign of a menu is in another font
        for (knob in knobs) tabs.addView(knob.tab, LayoutParams(LayoutParams.WRAP_CONTENT, context.dp(TAB), 1f))
        addView(tabs, LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT))
        for (knob in knobs) addView(knob.row, LayoutParams(LayoutParams.MATCH_PARENT, LayoutParams.WRAP_CONTENT))
        strength.slider.contentDescription = context.getString(R.string.strength)
        strokes.slider.contentDescription = context.getString(R.string.strokes)
        strokes.tab.visibility = View.GONE
        show(null, emptyList())
    }

    /** Offers to mix what is painted with [others], and the slider of how much once one of them is. */
    fun show(look: Look?, others: List<Style>) {
        val before = this.look?.other
        this.look = look
        this.others = others
        val other = look?.other
        mix.tab.visibility = if (others.isEmpty()) View.GONE else View.VISIBLE
        mix.tab.text = if (other == null) context.getString(R.string.tab_mix) else context.getString(R.string.tab_mixed, other.title)
        mix.tab.contentDescription = other?.let { context.getString(R.string.tab_mixed_said, it.title) }
        if (other != null) {
            mix.slider.contentDescription = context.getString(R.string.mix, other.title, look.style.title)
            mix.slider.progress = look.percent
        }
        if (other != null && other !== before) chosen = mix
        if (other == null && chosen === mix) chosen = strength
        arrange()
    }

    /** The stroke width of a photo, up to so many times the network's own, beginning with [times]; null for no photo. */
    fun offerStrokes(broadest: Float?, times: Float = 1f) {
        val most = ((broadest ?: 1f) * 10).toInt() - 10
        strokes.tab.visibility = if (most > 0) View.VISIBLE else View.GONE
        strokes.slider.max = maxOf(1, most)
        strokes.slider.progress = (10 * times - 10).roundToInt()
        if (most <= 0 && chosen === strokes) chosen = strength
        arrange()
    }

    /** What TalkBack says of the sliders besides their names, instead of percent; [mixed] is said of a mix. */
    fun describe(mixed: String) {
        Newer.describe(mix.slider, mixed)
        Newer.describe(strokes.slider, context.getString(R.string.strokes_times, times))
    }

    private fun arrange() {
        tabs.visibility = if (knobs.count { it.tab.visibility == View.VISIBLE } > 1) View.VISIBLE else View.GONE
        for (knob in knobs) {
            knob.row.visibility = if (knob === chosen) View.VISIBLE else View.GONE
            knob.name.visibility = if (tabbed) View.GONE else View.VISIBLE
            knob.tab.isSelected = knob === chosen
            knob.tab.setTextColor(context.getColor(if (knob === chosen) R.color.glow else R.color.over_soft))
        }
    }

    private fun choose(knob: Knob) {
        if (knob === mix && (look?.other == null || chosen === mix)) return offer()
        chosen = knob
        arrange()
    }

    /** The styles of the same file, and none of them. */
    private fun offer() {
        val menu = PopupMenu(context, mix.tab)
        others.forEachIndexed { index, style -> menu.menu.add(0, index, index, style.title) }
        if (look?.other != null) menu.menu.add(0, others.size, others.size, R.string.no_mix)
        menu.setOnMenuItemClickListener { true.also { _ -> actions.mixWith(others.getOrNull(it.itemId)) } }
        menu.show()
    }

    private fun timesAt(progress: Int): Float = 1 + progress / 10f

    private fun percent(progress: Int) = context.getString(R.string.percent, progress)

    /** TalkBack reads the slider alone: its description is its name, and its state its value. */
    private inner class Knob(id: Int, words: Int, most: Int, first: Int, value: (Int) -> String, changed: (Int) -> Unit) {
        val name = beside(Gravity.START).apply { setText(words) }
        private val shown = beside(Gravity.END).apply {
            text = value(first)
            minWidth = context.dp(VALUE)
            fontFeatureSettings = "tnum"
        }
        val slider = SeekBar(context).apply {
            this.id = id
            max = most
            progress = first
            progressTintList = ColorStateList.valueOf(context.getColor(R.color.over))
            thumbTintList = ColorStateList.valueOf(context.getColor(R.color.over))
            progressBackgroundTintList = ColorStateList.valueOf(context.getColor(R.color.over_soft))
            setPadding(context.dp(20), context.dp(14), context.dp(20), context.dp(14))
            setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
                override fun onProgressChanged(bar: SeekBar, progress: Int, byUser: Boolean) {
                    shown.text = value(progress)
                    changed(progress)
                }

                override fun onStartTrackingTouch(bar: SeekBar) = Unit
                override fun onStopTrackingTouch(bar: SeekBar) = Unit
            })
        }
        val row = LinearLayout(context).apply {
            gravity = Gravity.CENTER_VERTICAL
            setPadding(context.dp(8), 0, context.dp(8), 0)
            addView(name)
            addView(slider, LayoutParams(0, LayoutParams.WRAP_CONTENT, 1f))
            addView(shown)
        }
        val tab: TextView = label(context, 14f, R.color.over_soft, medium = true).apply {
            setText(words)
            gravity = Gravity.CENTER
            maxLines = 1
            ellipsize = TextUtils.TruncateAt.END
            setPadding(context.dp(8), 0, context.dp(8), 0)
            minWidth = context.dp(TAB)
            actLikeAButton(this)
            setOnClickListener { choose(this@Knob) }
        }
    }

    private fun beside(side: Int) = label(context, 14f, R.color.over, medium = true).apply {
        gravity = side
        maxLines = 1
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    companion object {
        const val TAB = 48
        private const val VALUE = 44
        private const val TENTHS = 20
    }
}
