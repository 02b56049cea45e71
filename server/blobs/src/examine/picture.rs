//! Pictures: how large they are as one looks at them, and a smaller one to show first. The smaller
//! one is drawn anew: nothing of what cameras write into a picture is in it.

use std::{
    fs::{File, OpenOptions},
    io::{BufReader, BufWriter, Cursor, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    imageops::FilterType, metadata::Orientation,
};

use crate::limits::{
    PICTURE_BYTES_MAX, PICTURE_FILE_BYTES_MAX, PIXELS_MAX, PREVIEW_ABOVE_BYTES, PREVIEW_PIXELS,
    PREVIEW_QUALITY,
};

/// What was seen.
pub(super) struct Seen {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) has_preview: bool,
}

/// Looks at a picture of that media type; a smaller one goes to `preview`, where one is worth it.
pub(super) fn look(path: &Path, preview: &Path, kind: &str) -> Option<Seen> {
    let file_bytes = path.metadata().ok()?.len();
    let format = ImageFormat::from_mime_type(kind)?;
    if file_bytes > PICTURE_FILE_BYTES_MAX {
        return None;
    }
    let mut reader = ImageReader::new(BufReader::new(File::open(path).ok()?));
    reader.set_format(format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(PICTURE_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (seen_width, seen_height) = if is_turned { (height, width) } else { (width, height) };
    let mut seen = Seen { width: seen_width, height: seen_height, has_preview: false };
    let is_small = width.max(height) <= PREVIEW_PIXELS && file_bytes <= PREVIEW_ABOVE_BYTES;
    if is_small || u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Some(seen);
    }
    let Ok(picture) = DynamicImage::from_decoder(decoder) else { return Some(seen) };
    let mut smaller = match width.max(height) > PREVIEW_PIXELS {
        true => picture.resize(PREVIEW_PIXELS, PREVIEW_PIXELS, FilterType::Triangle),
        false => picture,
    };
    smaller.apply_orientation(orientation);
    seen.has_preview = write(&smaller, preview).is_some();
    if !seen.has_preview {
        // Half a preview is none.
        let _ = std::fs::remove_file(preview);
    }
    Some(seen)
}

/// How wide and high a picture in memory is; 0 where that can't be seen.
pub(crate) fn dimensions(bytes: &[u8], kind: &str) -> (u32, u32) {
    let Some(format) = ImageFormat::from_mime_type(kind) else { return (0, 0) };
    ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().unwrap_or_default()
}

/// PNG where something shines through, JPEG else.
fn write(picture: &DynamicImage, to: &Path) -> Option<()> {
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(true).mode(0o600);
    let mut out = BufWriter::new(file.open(to).ok()?);
    if picture.color().has_alpha() {
        picture.to_rgba8().write_to(&mut out, ImageFormat::Png).ok()?;
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut out, PREVIEW_QUALITY);
        picture.to_rgb8().write_with_encoder(encoder).ok()?;
    }
    out.flush().ok()
}
