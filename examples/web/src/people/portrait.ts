/** A picture of somebody, cut to a square and made small before it is uploaded. */

const SIDE = 512;

/** The middle of the longer side. */
export function squareOf(width: number, height: number): { x: number; y: number; side: number } {
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), side };
}

/** The picture to upload; fails for what this browser can't read as one. */
export async function portraitOf(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  try {
    const { x, y, side } = squareOf(bitmap.width, bitmap.height);
    const target = Math.min(side, SIDE);
    const canvas = document.createElement("canvas");
    canvas.width = target;
    canvas.height = target;
    canvas.getContext("2d")?.drawImage(bitmap, x, y, side, side, 0, 0, target, target);
    return await new Promise((resolve, reject) =>
      // Browsers that don't write WebP write PNG instead.
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/webp", 0.9),
    );
  } finally {
    bitmap.close();
  }
}
