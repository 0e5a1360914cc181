// Pictures and clips to keep: the composed view as a file, shown in a dialog with download and share.

const LONGEST_CLIP = 15_000;  // ms
const LARGEST_PNG = 4_000_000;  // pixels
const TYPES = ["video/mp4;codecs=avc1", "video/webm;codecs=vp9", "video/webm"];
const get = (id) => document.getElementById(id);

/** The photo with the stylized picture over it, as strong as it is shown. */
export function compose(canvas, before, after, strength) {
  if (canvas.width !== before.width || canvas.height !== before.height) {
    [canvas.width, canvas.height] = [before.width, before.height];
  }
  const context = canvas.getContext("2d");
  context.globalAlpha = 1;
  context.drawImage(before, 0, 0);  // at full strength, too: an enlarged picture is transparent along its edges
  context.globalAlpha = strength;
  context.imageSmoothingQuality = "high";
  context.drawImage(after, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A canvas as a file: PNG, or JPEG where that would take tens of megabytes. */
export async function picture(canvas, title) {
  const [kind, suffix] = canvas.width * canvas.height > LARGEST_PNG ? ["image/jpeg", "jpg"] : ["image/png", "png"];
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, kind, 0.95));
  return new File([blob], name(title, suffix), {type: kind});
}

/** Clips of what a canvas shows; a clip that ends is shown in the dialog. */
export class Recorder {
  constructor(button) {
    this.button = button;
    this.clip = null;
  }

  get on() {
    return this.clip !== null;
  }

  /** Starts a clip; throws where the browser cannot. */
  async start(canvas, title) {
    this.clip = record(canvas, title);
    this.button.setAttribute("aria-pressed", true);
    const file = await this.clip.file;
    this.clip = null;
    this.button.setAttribute("aria-pressed", false);
    return show(file);
  }

  stop() {
    this.clip?.stop();
  }
}

// Records a canvas until stop() or the longest time; `file` resolves to the clip.
function record(canvas, title) {
  const type = TYPES.find((each) => globalThis.MediaRecorder?.isTypeSupported(each));
  if (!type || !canvas.captureStream) throw new Error("This browser cannot record.");
  const stream = canvas.captureStream(30);
  const recorder = new MediaRecorder(stream, {mimeType: type, videoBitsPerSecond: 4_000_000});
  const parts = [];
  recorder.ondataavailable = ({data}) => parts.push(data);
  const plain = type.split(";")[0];
  const file = new Promise((resolve) => {
    recorder.onstop = () => {
      stream.getTracks().forEach((track) => track.stop());
      resolve(new File(parts, name(title, plain.split("/")[1]), {type: plain}));
    };
  });
  recorder.start(1000);
  const stop = () => recorder.state !== "inactive" && recorder.stop();
  const timer = setTimeout(stop, LONGEST_CLIP);
  return {file, stop: () => (clearTimeout(timer), stop())};
}

function name(title, suffix) {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return `${title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 40)}-${time}.${suffix}`;
}

/** Shows a file in the dialog; one that is shown already is looked at first. */
export async function show(file) {
  const closed = () => new Promise((resolve) => get("result").addEventListener("close", resolve, {once: true}));
  while (get("result").open) await closed();
  const url = URL.createObjectURL(file);
  const element = document.createElement(file.type.startsWith("video") ? "video" : "img");
  element.src = url;
  if (element.tagName === "VIDEO") element.controls = element.loop = element.autoplay = element.muted = true;
  else element.alt = "The picture that was taken";
  get("taken").replaceChildren(element);
  Object.assign(get("download"), {href: url, download: file.name});
  get("share").hidden = !navigator.canShare?.({files: [file]});
  get("share").onclick = () => navigator.share({files: [file]}).catch(() => {});  // the user may change their mind
  get("close").onclick = () => get("result").close();
  get("result").onclose = () => (get("taken").replaceChildren(), URL.revokeObjectURL(url));
  get("result").showModal();
}
