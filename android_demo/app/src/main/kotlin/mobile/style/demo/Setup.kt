package mobile.style.demo

import mobile.style.core.Backend
import mobile.style.core.Engine

/** What some tests put something else in for. */
object Setup {
    var engines: (Model, Backend) -> Engine = { model, backend -> LiteEngine(model.open(backend), backend) }
}
