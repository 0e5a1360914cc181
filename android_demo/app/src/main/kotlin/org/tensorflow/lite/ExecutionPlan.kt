package org.tensorflow.lite

/**
 * Nodes that an interpreter really runs; a delegate's part of the graph counts as one.
 *
 * TensorFlow Lite keeps this number to its own package, and offers no other way to see what a delegate took.
 */
fun executionPlanLength(interpreter: Interpreter): Int = interpreter.executionPlanLength
