//! What is found in files.

use super::{find_tools, kind_of};

#[test]
fn bytes_go_over_words() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    assert_eq!(kind_of(png, "text/html"), "image/png");
    assert_eq!(kind_of(b"hello", "text/plain; charset=utf-8"), "text/plain; charset=utf-8");
    assert_eq!(kind_of(b"hello", ""), "application/octet-stream");
    assert_eq!(kind_of(b"hello", "image/png"), "application/octet-stream");
    assert_eq!(kind_of(b"<svg xmlns=''/>", "image/svg+xml"), "image/svg+xml");
    let archive = b"PK\x03\x04 and so on, as office documents begin";
    let text = "application/vnd.oasis.opendocument.text";
    assert_eq!(kind_of(archive, text), text);
    assert_eq!(kind_of(archive, ""), "application/zip");
    assert_eq!(kind_of(archive, "image/png"), "application/zip");
    assert_eq!(kind_of(b"hello", "image/svg-but-not-xml"), "application/octet-stream");
    let webm = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\x82\x84webm";
    assert_eq!(kind_of(webm, ""), "video/webm");
    assert_eq!(kind_of(webm, "audio/webm;codecs=opus"), "audio/webm;codecs=opus");
}

/// With the programs that the host has: none is no failure, and said.
#[tokio::test]
async fn sound_has_a_length_and_a_shape() {
    let Some(tools) = find_tools() else {
        eprintln!("SKIPPED: ffmpeg and ffprobe are not on this host");
        return;
    };
    let dir = tempfile::tempdir().expect("folder");
    let (path, preview) = (dir.path().join("-i sound"), dir.path().join("preview"));
    std::fs::write(&path, wav()).expect("written");
    let blob = super::examine(&path, &preview, "audio/wav", Some(&tools), None).await;
    assert_eq!((blob.duration_ms, blob.has_preview), (2000, false));
    let shape = &blob.waveform;
    assert!((100..=128).contains(&shape.len()), "{}", shape.len());
    let (quiet, loud) = shape.split_at(shape.len() / 2);
    assert!(quiet[..quiet.len() - 2].iter().all(|peak| *peak < 5), "{quiet:?}");
    assert!(loud[2..].iter().all(|peak| *peak > 100), "{loud:?}");

    let film = dir.path().join("film.mp4");
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "quiet",
            "-f",
            "lavfi",
            "-i",
            "testsrc=duration=1:size=1280x720:rate=10",
            "-y",
        ])
        .arg(&film)
        .status()
        .expect("ran");
    assert!(made.success());
    let blob = super::examine(&film, &preview, "video/mp4", Some(&tools), None).await;
    assert_eq!((blob.width, blob.height, blob.duration_ms), (1280, 720, 1000));
    let shown = image::open(&preview)
        .or_else(|_| image::load_from_memory(&std::fs::read(&preview).expect("preview")));
    let shown = shown.expect("a picture");
    assert_eq!((shown.width(), shown.height()), (640, 360));
}

/// A second of silence, then one of a tone at half of what is possible.
fn wav() -> Vec<u8> {
    let samples: Vec<i16> = (0..16_000)
        .map(|i| if i < 8000 { 0 } else { (16_384.0 * (f64::from(i) * 0.3).sin()) as i16 })
        .collect();
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}
