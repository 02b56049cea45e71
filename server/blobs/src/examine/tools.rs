//! Sound and video, by way of `ffprobe` and `ffmpeg` where the host has them: programs of their own,
//! which may fail, hang or fall over without harm, and which are told to open nothing but the file.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use parlour_protocol::{blob::Blob, limits::WAVEFORM_MAX};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    time::timeout,
};

use crate::limits::{
    PICTURE_BYTES_MAX, PIECE_BYTES, PREVIEW_PIXELS, TOOL_FOR, TOOL_OUTPUT_BYTES_MAX,
    WAVEFORM_SECONDS_MAX,
};

/// Samples a second that a waveform is made of.
const SAMPLES_PER_SECOND: u64 = 4000;

/// The programs that look into sound and video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    ffprobe: PathBuf,
    ffmpeg: PathBuf,
}

/// The programs, if the host has both.
pub fn find_tools() -> Option<Tools> {
    let path = std::env::var_os("PATH")?;
    let find = |name: &str| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    Some(Tools { ffprobe: find("ffprobe")?, ffmpeg: find("ffmpeg")? })
}

impl Tools {
    /// How long it is, how large its picture, how loud it is; its picture goes to `preview`.
    pub(super) async fn look(&self, blob: &mut Blob, path: &Path, preview: &Path) {
        let Some(told) = self.probe(path).await else { return };
        let seconds = told["format"]["duration"].as_str().and_then(|text| text.parse::<f64>().ok());
        // A float that is no number, or out of range, saturates.
        blob.duration_ms = (seconds.unwrap_or_default().max(0.0) * 1000.0) as u64;
        let streams = told["streams"].as_array().cloned().unwrap_or_default();
        let of = |kind: &str| streams.iter().find(|stream| stream["codec_type"] == kind);
        if let Some(video) = of("video") {
            let number = |name: &str| video[name].as_u64().and_then(|n| u32::try_from(n).ok());
            let (width, height) = (number("width"), number("height"));
            (blob.width, blob.height) = (width.unwrap_or_default(), height.unwrap_or_default());
            blob.has_preview = self.picture(path, preview).await;
        }
        if of("audio").is_some() && of("video").is_none() {
            blob.waveform = self.waveform(path, blob.duration_ms).await.unwrap_or_default().into();
        }
    }

    async fn probe(&self, path: &Path) -> Option<Value> {
        let mut probe = quiet(&self.ffprobe);
        probe.args(["-show_entries", "format=duration:stream=codec_type,width,height"]);
        probe.args(["-of", "json", "-i"]).arg(file_url(path));
        let told = run(probe, async |mut out| {
            let mut told = Vec::new();
            let read = (&mut out).take(TOOL_OUTPUT_BYTES_MAX as u64).read_to_end(&mut told).await;
            read.ok().map(|_| told)
        });
        serde_json::from_slice(&told.await?).ok()
    }

    /// Whether there is one.
    async fn picture(&self, path: &Path, preview: &Path) -> bool {
        let mut draw = quiet(&self.ffmpeg);
        draw.args(["-nostdin", "-i"]).arg(file_url(path));
        let side = PREVIEW_PIXELS;
        let fit =
            format!("scale='min({side},iw)':'min({side},ih)':force_original_aspect_ratio=decrease");
        draw.args(["-frames:v", "1", "-vf", &fit, "-f", "mjpeg", "-y"]).arg(preview);
        run(draw, async |_| Some(())).await.is_some()
            && preview.metadata().is_ok_and(|file| file.len() > 0)
    }

    /// The loudest of each stretch, of 255.
    async fn waveform(&self, path: &Path, duration_ms: u64) -> Option<Vec<u8>> {
        let mut play = quiet(&self.ffmpeg);
        play.args(["-nostdin", "-i"]).arg(file_url(path));
        play.args(["-t", &WAVEFORM_SECONDS_MAX.to_string(), "-vn", "-ac", "1"]);
        play.args(["-ar", &SAMPLES_PER_SECOND.to_string(), "-f", "s16le", "-"]);
        let samples =
            duration_ms.min(u64::from(WAVEFORM_SECONDS_MAX) * 1000) * SAMPLES_PER_SECOND / 1000;
        let stretch = samples.div_ceil(WAVEFORM_MAX as u64).max(1);
        run(play, async |out| peaks(out, stretch).await).await
    }
}

async fn peaks(mut out: impl AsyncRead + Unpin, stretch: u64) -> Option<Vec<u8>> {
    let mut piece = vec![0; PIECE_BYTES];
    let (mut peaks, mut at, mut odd) = (Vec::new(), 0_u64, None);
    loop {
        let read = out.read(&mut piece).await.ok()?;
        if read == 0 {
            return Some(peaks);
        }
        for &byte in &piece[..read] {
            let Some(low) = odd.take() else {
                odd = Some(byte);
                continue;
            };
            let loud = i16::from_le_bytes([low, byte]).unsigned_abs().min(0x7fff) >> 7;
            let index = usize::try_from(at / stretch).ok()?;
            at += 1;
            if index < WAVEFORM_MAX {
                peaks.resize(peaks.len().max(index + 1), 0);
                peaks[index] = peaks[index].max(u8::try_from(loud).unwrap_or(u8::MAX));
            }
        }
    }
}

/// The file as these programs name it: whatever its name is, it is neither an option nor another
/// protocol's address.
fn file_url(path: &Path) -> std::ffi::OsString {
    let mut url = std::ffi::OsString::from("file:");
    url.push(path);
    url
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-v", "quiet", "-protocol_whitelist", "file,pipe", "-max_alloc"]);
    command.arg(PICTURE_BYTES_MAX.to_string());
    command.env_clear().stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a program to its end and hears what it says; `None` if it fails, or takes too long.
async fn run<T>(
    mut command: Command,
    hear: impl AsyncFnOnce(tokio::process::ChildStdout) -> Option<T>,
) -> Option<T> {
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let out = child.stdout.take()?;
    let done = async {
        let heard = hear(out).await;
        let ended = child.wait().await.ok()?;
        heard.filter(|_| ended.success())
    };
    timeout(TOOL_FOR, done).await.ok().flatten()
}
