// Opens the camera and photos. A source is {element, width, height, live, stop()}; a camera also has `ended`, a promise
// of whether it ended by itself and not by stop(); `gone`, whether it has; `front`, whether it looks at who holds it;
// and `other`, what opens the camera to switch to, if there is one.

const WORDS = {
  NotAllowedError: "The camera is not allowed. Allow it in the address bar, or use a photo.",
  NotFoundError: "No camera was found. Use a photo.",
  NotReadableError: "The camera is used by another program. Close that, or use a photo.",
};

// The camera that looks the other way; where none says so, as on a desktop, the next one.
async function otherThan({deviceId, facingMode}) {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const ids = devices.filter(({kind}) => kind === "videoinput").map((each) => each.deviceId);
  if (ids.length < 2) return undefined;
  const opposite = {facingMode: {exact: facingMode === "user" ? "environment" : "user"}};
  const next = {deviceId: {exact: ids[(ids.indexOf(deviceId) + 1) % ids.length]}};
  return facingMode ? [opposite, next] : [next];
}

/** Opens the first camera there is of `choices`, each {facingMode} or {deviceId}; else any. Errors are sentences. */
export async function openCamera(choices) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(isSecureContext ? "This browser has no camera access." : "Browsers give a camera only over https.");
  }
  let stream;
  for (const choice of [...choices, {}]) {
    const video = {...choice, width: {ideal: 640}, height: {ideal: 480}};
    try {
      stream = await navigator.mediaDevices.getUserMedia({video, audio: false});
      break;
    } catch (error) {
      if (error.name === "OverconstrainedError") continue;  // there is none, or no more
      throw new Error(WORDS[error.name] ?? `The camera cannot be opened (${error.name}).`);
    }
  }
  const [track] = stream.getVideoTracks();
  const element = document.createElement("video");
  element.muted = element.playsInline = true;
  element.srcObject = stream;
  try {
    await element.play();
  } catch (error) {
    track.stop();
    throw new Error(`The camera cannot be shown (${error.name}).`);
  }
  let gone = false;
  let end;
  const ended = new Promise((resolve) => (end = (itself) => ((gone = true), resolve(itself))));
  track.addEventListener("ended", () => end(true));
  const stop = () => (track.stop(), end(false));  // the former fires no event
  return {
    element,
    live: true,
    stop,
    ended,
    front: track.getSettings().facingMode !== "environment",
    other: await otherThan(track.getSettings()),
    get gone() { return gone; },
    get width() { return element.videoWidth; },
    get height() { return element.videoHeight; },
  };
}

/** A photo from a file or an address. Errors are sentences. */
export async function openPhoto(blob, name) {
  let element;
  try {
    element = await createImageBitmap(blob);
  } catch {
    throw new Error(`${name} is no photo that this browser can read.`);
  }
  return {element, width: element.width, height: element.height, live: false, stop: () => element.close()};
}

/** Draws a bitmap onto a canvas, which it fills: cut to its shape, or squeezed as a whole. */
export function draw(bitmap, context, {whole, mirrored}) {
  const {width, height} = context.canvas;
  let [x, y, w, h] = [0, 0, bitmap.width, bitmap.height];
  if (!whole) {
    const scale = Math.min(w / width, h / height);
    [x, y] = [(w - width * scale) / 2, (h - height * scale) / 2];
    [w, h] = [width * scale, height * scale];
  }
  context.imageSmoothingQuality = "high";
  context.setTransform(mirrored ? -1 : 1, 0, 0, 1, mirrored ? width : 0, 0);
  context.fillStyle = "white";  // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, x, y, w, h, 0, 0, width, height);
}
