package mobile.style.demo

import mobile.style.core.Backend
import mobile.style.core.Engine

/** What the tests put something else in for, as no TensorFlow Lite runs on their machine. */
object Setup {
    var engines: (Model, Backend) -> Engine = { model, backend -> LiteEngine(model.open(), backend) }
}
