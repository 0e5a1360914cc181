package mobile.style.core

/** What mobile-style writes beside an exported model; only what the app needs of it. [styles] are those that it mixes. */
data class ModelCard(
    val name: String,
    val style: String,
    val recipe: String,
    val height: Int,
    val width: Int,
    val bytes: Long,
    val sha256: String,
    val psnrMean: Double?,
    val date: String,
    val styles: List<String>,
) {
    val title get() = titleOf(name)

    companion object {
        class Unusable(message: String) : Exception(message)

        /** The card of a model that takes and gives pictures of [type]. Throws [Unusable], which says in a line what is wrong. */
        fun parse(text: String, type: String): ModelCard = try {
            val card = Json.parse(text).map("card")
            val input = card["input"].map("input")
            val output = card["output"].map("output")
            val file = card["file"].map("file")
            if (card["schema"] != 1.0) throw Unusable("its card is of schema ${card["schema"]}, this app reads 1")
            for ((name, side) in listOf("input" to input, "output" to output)) {
                val plain = side["type"] == type && side["layout"] == "NHWC" && side["color"] == "RGB" &&
                    side["scale"] == 1.0 && side["zero_point"] == 0.0
                if (!plain) throw Unusable("its $name is not plain $type RGB; export it again")
            }
            val shape = (input["shape"] as? List<*>)?.map { (it as? Double)?.toInt() }
            if (shape == null || shape.size != 4 || shape[0] != 1 || shape[3] != 3 || shape.any { (it ?: 0) < 1 }) {
                throw Unusable("its input has the shape ${input["shape"]}")
            }
            val fidelity = card["fidelity"] as? Map<*, *>
            ModelCard(
                name = card["name"] as String,
                style = card["style"] as String,
                recipe = card["recipe"] as String,
                height = shape[1]!!,
                width = shape[2]!!,
                bytes = (file["bytes"] as Double).toLong(),
                sha256 = file["sha256"] as String,
                psnrMean = (fidelity?.get("mean") as? Map<*, *>)?.get("psnr") as? Double,
                date = card["date"] as String,
                styles = card["mix"]?.let { stylesOf(it.map("mix"), type) }.orEmpty(),
            )
        } catch (error: Json.Malformed) {
            throw Unusable("its card is damaged: ${error.message}")
        } catch (error: ClassCastException) {
            throw Unusable("its card lacks something: ${error.message}")
        } catch (error: NullPointerException) {
            throw Unusable("its card lacks something: ${error.message}")
        }

        private fun stylesOf(mix: Map<*, *>, type: String): List<String> {
            val styles = (mix["styles"] as List<*>).map { it as String }
            if (mix["type"] != type || mix["zero_point"] != 0.0 || mix["shape"] != listOf(1.0, 1.0, 1.0, styles.size.toDouble())) {
                throw Unusable("its mix is not a $type for each style; export it again")
            }
            return styles
        }

        private fun Any?.map(what: String): Map<*, *> = this as? Map<*, *> ?: throw Unusable("its card has no $what")
    }
}

/** A style's name as people write it: starry_night is Starry Night, composition_vii Composition VII. */
fun titleOf(name: String): String = name.split('_', '-', ' ').filter { it.isNotEmpty() }
    .joinToString(" ") { if (ROMAN.matches(it)) it.uppercase() else it.replaceFirstChar(Char::uppercase) }

private val ROMAN = Regex("i{1,3}|i?v|vi{1,3}|i?x|xi{1,3}")
