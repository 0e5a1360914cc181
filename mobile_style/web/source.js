// Where pictures come from: the camera or a photo. A source is {element, width, height, live, stop()}; a camera also has
// `ended`, a promise, and `gone`, whether it has ended, by stop() or by itself; `front`, whether it looks at who holds it;
// and `other`, what opens the camera to switch to, if there is one.

const WORDS = {
  NotAllowedError: "The camera is not allowed. Allow it in the address bar, or use a photo.",
  NotFoundError: "No camera was found. Use a photo.",
  NotReadableError: "The camera is used by another program. Close that, or use a photo.",
};

// The camera that looks the other way; where they look nowhere, as on a desktop, the next one.
async function otherThan({deviceId, facingMode}) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const ids = devices.filter(({kind}) => kind === "videoinput").map((each) => each.deviceId);
  if (ids.length < 2) return undefined;
  if (facingMode) return {facingMode: facingMode === "user" ? "environment" : "user"};
  return {deviceId: {exact: ids[(ids.indexOf(deviceId) + 1) % ids.length]}};
}

/** Opens a camera by what is wanted of it, {facingMode} or {deviceId}. Errors are sentences. */
export async function openCamera(wanted) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(isSecureContext ? "This browser has no camera access." : "Browsers give a camera only over https.");
  }
  const open = (which) => {
    const video = {...which, width: {ideal: 640}, height: {ideal: 480}};
    return navigator.mediaDevices.getUserMedia({video, audio: false});
  };
  let stream;
  try {
    stream = await open(wanted).catch((error) => {
      if (error.name !== "OverconstrainedError") throw error;
      return open({});  // that one has been unplugged
    });
  } catch (error) {
    throw new Error(WORDS[error.name] ?? `The camera cannot be opened (${error.name}).`);
  }
  const element = document.createElement("video");
  element.muted = element.playsInline = true;
  element.srcObject = stream;
  await element.play();
  let gone = false;
  let end;
  const ended = new Promise((resolve) => (end = () => ((gone = true), resolve())));
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", end);
  const stop = () => (stream.getTracks().forEach((each) => each.stop()), end());  // stop() fires no event
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
