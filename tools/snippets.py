"""Writes docs/apps.md, the code that runs an exported model in an app, from the cards of real exports.

python tools/snippets.py TFLITE_CARD COREML_CARD
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE, CATALOG = ROOT / "docs" / "apps.md", ROOT / "android_demo" / "gradle" / "libs.versions.toml"

TEXT = """# In your app

`tools/snippets.py` writes this page from the cards of two exports of the bundled model. A test checks it.

## Android, TensorFlow Lite, int8

Gradle: `org.tensorflow:tensorflow-lite:2.16.1` from Maven Central, which the code below is compiled against. Its \
native libraries are aligned for memory pages of 4 KB; Google Play asks for 16 KB. The demo runs TensorFlow Lite \
{litert} (`org.bytedeco:tensorflow-lite`), which is aligned for 16 KB and has another API: see `LiteEngine.kt`.

`{tflite[file][name]}` has the input `{tflite[input][name]}` and the output `{tflite[output][name]}`. Both are \
{kotlin_shape}, {tflite[input][layout]}, `{tflite[input][type]}`, {tflite[input][color]}, {low} to {high}. The scale \
is {tflite[input][scale]:g} and the zero point {tflite[input][zero_point]}, so RGB bytes go in unchanged.

- A camera delivers YUV. `Converter.kt` of the Android demo converts it to RGB.
- Without [grain](grain.md), blank walls and skies stay bare. `Grain.kt` adds it.

```kotlin
val interpreter = Interpreter(modelFile, Interpreter.Options().setNumThreads(2))
val input = ByteBuffer.allocateDirect({bytes})   // {height} rows of {width} pixels of R, G, B
val output = ByteBuffer.allocateDirect({bytes})
val pixels = IntArray({height} * {width})
bitmap.getPixels(pixels, 0, {width}, 0, 0, {width}, {height})   // a mutable ARGB_8888 Bitmap of {width} x {height}
input.rewind()
for (pixel in pixels) {{
    input.put((pixel shr 16).toByte()).put((pixel shr 8).toByte()).put(pixel.toByte())
}}
interpreter.run(input.rewind(), output.rewind())
for (i in pixels.indices) {{
    val r = output.get(3 * i).toInt() and 255
    val g = output.get(3 * i + 1).toInt() and 255
    val b = output.get(3 * i + 2).toInt() and 255
    pixels[i] = (255 shl 24) or (r shl 16) or (g shl 8) or b
}}
bitmap.setPixels(pixels, 0, {width}, 0, 0, {width}, {height})
```

Files of the other recipes have `float32` input and output of the same shape and range, {low} to {high}.

## iOS, Core ML

`{coreml[file][name]}` has an image input `{coreml[input][name]}` and an image output `{coreml[output][name]}`, both \
{coreml[input][color]}. Core ML converts the pixel format of your buffer. Sizes: {sizes}.

```swift
let model = try MLModel(contentsOf: compiledModelURL)
let features = try MLDictionaryFeatureProvider(
    dictionary: ["{coreml[input][name]}": MLFeatureValue(pixelBuffer: frame)])   // {coreml_width} x {coreml_height}
let result = try model.prediction(from: features)
let stylized = result.featureValue(for: "{coreml[output][name]}")?.imageBufferValue
```
"""


def page(tflite: dict[str, Any], coreml: dict[str, Any]) -> str:
    _, height, width, channels = tflite["input"]["shape"]
    low, high = tflite["input"]["range"]
    return TEXT.format(
        tflite=tflite,
        coreml=coreml,
        litert=re.search(r'^tensorflow-lite = "(.+)"$', CATALOG.read_text(), re.M)[1],
        height=height,
        width=width,
        bytes=height * width * channels,
        low=low,
        high=high,
        kotlin_shape=" x ".join(map(str, tflite["input"]["shape"])),
        sizes=", ".join(f"{w} x {h}" for h, w in coreml["input"]["sizes"]),
        coreml_height=coreml["input"]["shape"][1],
        coreml_width=coreml["input"]["shape"][2],
    )


if __name__ == "__main__":
    PAGE.write_text(page(*(json.loads(Path(card).read_text()) for card in sys.argv[1:3])))
