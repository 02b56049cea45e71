/** What is said of files: how large, how long, of what kind; and how large a picture is drawn. */

import type { Attachment } from "@parlour/client";

/** How a file is shown. */
export type FileKind = "picture" | "video" | "sound" | "file";

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
const VIDEOS = new Set(["video/mp4", "video/webm", "video/ogg", "video/quicktime"]);

/** What browsers show of it. */
export function kindOf({ mediaType, isVoice }: Pick<Attachment, "mediaType" | "isVoice">): FileKind {
  const [type = ""] = mediaType.split(";");
  if (isVoice || type.startsWith("audio/")) return "sound";
  if (PICTURES.has(type)) return "picture";
  return VIDEOS.has(type) ? "video" : "file";
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** Such as `2.4 MB`. */
export function sizeOf(bytes: number, tag: string): string {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  const maximumFractionDigits = power >= 2 && value < 100 ? 1 : 0;
  const unitDisplay = power === 0 ? "long" : "short";
  const options = { style: "unit", unit: UNITS[power], unitDisplay, maximumFractionDigits } as const;
  return new Intl.NumberFormat(tag, options).format(value);
}

/** Such as `1:05`. */
export function lengthOf(ms: number, tag: string): string {
  const seconds = Math.round(ms / 1000);
  const two = new Intl.NumberFormat(tag, { minimumIntegerDigits: 2 });
  const one = new Intl.NumberFormat(tag);
  const minutes = Math.floor(seconds / 60);
  const rest = two.format(seconds % 60);
  if (minutes < 60) return `${one.format(minutes)}:${rest}`;
  return `${one.format(Math.floor(minutes / 60))}:${two.format(minutes % 60)}:${rest}`;
}

/** The letters behind the last dot of a name, at most five. */
export function endingOf(name: string): string {
  return /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toUpperCase() ?? "";
}

/** The largest box within `max` of the shape of a picture; of one whose measures nobody knows, a usual one. */
export function fitIn(
  { width, height }: { width: number; height: number },
  max: { width: number; height: number },
): { width: number; height: number } {
  const [w, h] = width > 0 && height > 0 ? [width, height] : [4, 3];
  const isKnown = width > 0 && height > 0;
  const scale = Math.min(max.width / w, max.height / h, isKnown ? 1 : Number.POSITIVE_INFINITY);
  return { width: Math.max(Math.round(w * scale), 48), height: Math.max(Math.round(h * scale), 48) };
}
