package mobile.style.core

/** A JSON reader and writer, small because Android's own is not in a plain JVM. Objects are maps in their order. */
object Json {
    class Malformed(message: String) : Exception(message)

    fun parse(text: String): Any? = Reader(text).run { value().also { end() } }

    fun write(value: Any?): String = when (value) {
        null -> "null"
        is String -> quoted(value)
        is Boolean, is Int, is Long -> value.toString()
        is Double -> if (value.isFinite()) value.toString() else "null"
        is Map<*, *> -> value.entries.joinToString(",", "{", "}") { quoted(it.key as String) + ":" + write(it.value) }
        is Iterable<*> -> value.joinToString(",", "[", "]") { write(it) }
        else -> throw IllegalArgumentException("no JSON for ${value::class}")
    }

    private fun quoted(text: String) = buildString {
        append('"')
        for (c in text) {
            when {
                c == '"' || c == '\\' -> append('\\').append(c)
                c < ' ' -> append("\\u%04x".format(c.code))
                else -> append(c)
            }
        }
        append('"')
    }

    private class Reader(private val text: String) {
        private var at = 0

        fun value(depth: Int = 0): Any? {
            if (depth > 64) fail("nested too deep")
            return when (peek()) {
                '{' -> LinkedHashMap<String, Any?>().also { map ->
                    items('{', '}') {
                        val key = string()
                        expect(':')
                        map[key] = value(depth + 1)
                    }
                }
                '[' -> ArrayList<Any?>().also { list -> items('[', ']') { list += value(depth + 1) } }
                '"' -> string()
                't' -> word("true", true)
                'f' -> word("false", false)
                'n' -> word("null", null)
                else -> number()
            }
        }

        fun end() {
            skip()
            if (at < text.length) fail("something follows")
        }

        private fun items(open: Char, close: Char, item: () -> Unit) {
            expect(open)
            if (peek() == close) { at++; return }
            while (true) {
                item()
                if (peek() == ',') at++ else break
            }
            expect(close)
        }

        private fun string(): String {
            expect('"')
            val out = StringBuilder()
            while (true) {
                when (val c = take()) {
                    '"' -> return out.toString()
                    '\\' -> out.append(escaped(take()))
                    else -> out.append(c)
                }
            }
        }

        private fun escaped(c: Char): Char = when (c) {
            '"', '\\', '/' -> c
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> String(CharArray(4) { take() }).toIntOrNull(16)?.toChar() ?: fail("a bad \\u")
            else -> fail("a bad escape")
        }

        private fun number(): Double {
            val from = at
            while (at < text.length && (text[at].isDigit() || text[at] in "+-.eE")) at++
            return text.substring(from, at).toDoubleOrNull() ?: fail("no value")
        }

        private fun word(word: String, value: Any?): Any? {
            if (!text.startsWith(word, at)) fail("no value")
            at += word.length
            return value
        }

        private fun skip() {
            while (at < text.length && text[at] in " \t\r\n") at++
        }

        private fun peek(): Char {
            skip()
            return text.getOrNull(at) ?: fail("it ends early")
        }

        private fun take(): Char = text.getOrNull(at++) ?: fail("it ends early")

        private fun expect(c: Char) {
            if (peek() != c) fail("no $c")
            at++
        }

        private fun fail(what: String): Nothing = throw Malformed("$what at character $at")
    }
}
