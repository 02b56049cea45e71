//! Opens a TUN device: the one place of this package that needs unsafe code, for one ioctl that
//! only wrappers under licences outside our list offer.
#![allow(unsafe_code, reason = "TUNSETIFF has no safe form in libc")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

/// Makes a TUN device with that name in this network namespace; it goes when the file is closed.
/// Each read gives one IP packet, each write takes one; neither blocks.
pub(crate) fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open("/dev/net/tun")?;
    if name.len() >= libc::IFNAMSIZ || !name.is_ascii() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: an ifreq is plain data, for which all zeros is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF takes a pointer to an ifreq, which lives through the call, and keeps none.
    let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &mut request) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
}
