// A worker that answers orders.

export class WorkerClient {
  constructor(onLost = () => {}) {
    this.waiting = new Map();
    this.next = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url));
    this.worker.onmessage = ({data}) => {
      if (data.lost !== undefined) return onLost(data.lost);
      const {resolve, reject} = this.waiting.get(data.id) ?? {};
      this.waiting.delete(data.id);
      return data.error === undefined ? resolve?.(data.answer) : reject?.(new Error(data.error));
    };
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.fail(event.message || "its worker could not be started");
    };
  }

  /** The answer to an order; `transfer` is handed over, and after `longest` milliseconds it is an error. */
  ask(order, details, transfer, longest) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${longest / 1000} seconds`)), longest);
      const end = (settle) => (value) => (clearTimeout(timer), settle(value));
      this.waiting.set(id, {resolve: end(resolve), reject: end(reject)});
      this.worker.postMessage({id, order, ...details}, transfer);
    });
  }

  /** Every order that waits fails. */
  fail(message) {
    for (const {reject} of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }

  end() {
    this.worker.terminate();
    this.fail("it was stopped");
  }
}
