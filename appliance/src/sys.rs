//! Every line of `unsafe` there is: ioctls and probes the `nix` crate has no safe call for.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::os::fd::AsRawFd;

/// `struct console_font_op` of `linux/kd.h`.
#[repr(C)]
struct ConsoleFontOp {
    op: u32,
    flags: u32,
    width: u32,
    height: u32,
    count: u32,
    data: *mut u8,
}

/// `struct rtc_time` of `linux/rtc.h`: second, minute, hour, day, month from 0, year since 1900; then three the kernel
/// does not read.
#[repr(C)]
pub(crate) struct RtcTime([i32; 9]);

impl RtcTime {
    /// From year since 1900, month from 0, day, hour, minute and second.
    pub(crate) fn new([year, month, day, hour, minute, second]: [i32; 6]) -> Self {
        Self([second, minute, hour, day, month, year, 0, 0, 0])
    }
}

/// `KD_FONT_OP_SET_DEFAULT`: use the kernel's built-in font of that name.
const SET_DEFAULT: u32 = 2;
/// The kernel's 16x32 font; with its terminating zero.
const BIG_FONT: [u8; 9] = *b"TER16x32\0";

mod raw {
    // EVIOCGRAB of linux/input.h: takes a value, not a pointer.
    nix::ioctl_write_int!(grab, b'E', 0x90);
    // KDFONTOP of linux/kd.h.
    nix::ioctl_readwrite_bad!(font, 0x4B72, super::ConsoleFontOp);
    // RTC_SET_TIME of linux/rtc.h.
    nix::ioctl_write_ptr!(rtc_set_time, b'p', 0x0a, super::RtcTime);
    // KDSKBMODE of linux/kd.h: takes a value, not a pointer.
    nix::ioctl_write_int_bad!(keyboard_mode, 0x4B45);
    // TIOCGWINSZ of asm-generic/ioctls.h.
    nix::ioctl_read_bad!(size, nix::libc::TIOCGWINSZ, nix::libc::winsize);
}

/// Takes an input device for this process alone: its keys reach neither the terminal nor the kernel's shortcuts.
pub(crate) fn grab(device: &File) -> nix::Result<()> {
    // SAFETY: the descriptor is open for the whole call, and EVIOCGRAB reads no memory of ours.
    unsafe { raw::grab(device.as_raw_fd(), 1) }.map(drop)
}

/// Switches the console to the kernel's large font.
pub(crate) fn big_font(console: &File) -> nix::Result<()> {
    let mut name = BIG_FONT;
    let mut op = ConsoleFontOp { op: SET_DEFAULT, flags: 0, width: 0, height: 0, count: 0, data: name.as_mut_ptr() };
    // SAFETY: `op` has the layout the kernel reads; `data` points to a zero-terminated name of at most 32 bytes that
    // lives until after the call, and the kernel writes within `op` only.
    unsafe { raw::font(console.as_raw_fd(), &raw mut op) }.map(drop)
}

/// Makes the console take no keys at all.
pub(crate) fn no_keys(console: &File) -> nix::Result<()> {
    // K_OFF of linux/kd.h.
    const OFF: i32 = 4;
    // SAFETY: the descriptor is open for the whole call, and KDSKBMODE reads no memory of ours.
    unsafe { raw::keyboard_mode(console.as_raw_fd(), OFF) }.map(drop)
}

/// Sets the clock on the board, in UTC.
pub(crate) fn set_rtc(rtc: &File, time: &RtcTime) -> nix::Result<()> {
    // SAFETY: the kernel reads one `rtc_time`, and `time` has the layout of it; the kernel writes nothing.
    unsafe { raw::rtc_set_time(rtc.as_raw_fd(), time) }.map(drop)
}

/// Columns and rows of the console.
pub(crate) fn size(console: &File) -> nix::Result<(u16, u16)> {
    let mut size = nix::libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills exactly one `winsize`, which `size` is.
    unsafe { raw::size(console.as_raw_fd(), &raw mut size) }?;
    Ok((size.ws_col, size.ws_row))
}

/// Tries to open a socket of this family, and closes it again.
pub(crate) fn socket(family: i32) -> nix::Result<()> {
    // SAFETY: socket takes no pointer; the descriptor it returns belongs to no other owner.
    let opened = unsafe { nix::libc::socket(family, nix::libc::SOCK_RAW, 0) };
    if opened < 0 && nix::errno::Errno::last() != nix::errno::Errno::EAFNOSUPPORT {
        // Raw sockets need a right and a protocol; any kind of socket would do.
        // SAFETY: as above.
        return close_opened(unsafe { nix::libc::socket(family, nix::libc::SOCK_STREAM, 0) }.into());
    }
    close_opened(opened.into())
}

/// Makes a system call with all arguments zero: every one asked for here refuses that if it exists.
pub(crate) fn call_without_arguments(number: nix::libc::c_long) -> nix::Result<()> {
    // SAFETY: the calls probed for (see `air_gap`) read memory through null pointers only, which the kernel refuses with
    // EFAULT or EINVAL; none of them changes this process. `userfaultfd` may succeed and return a descriptor.
    close_opened(unsafe { nix::libc::syscall(number, 0, 0, 0, 0, 0, 0) })
}

/// Turns the result of a call into a result of this crate; closes the descriptor if the call opened one.
fn close_opened(result: nix::libc::c_long) -> nix::Result<()> {
    use std::os::fd::{FromRawFd, OwnedFd};

    match nix::errno::Errno::result(result)? {
        // Zero to two are never handed out here: they are open from the start.
        fd @ 3.. => {
            // SAFETY: the kernel just returned this descriptor to us alone.
            drop(unsafe { OwnedFd::from_raw_fd(fd as i32) });
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Wipes every block of memory that is given back: lines that were drawn, formatted or moved leave no copy, also in the
/// blocks that other crates allocated.
pub(crate) struct Wiping;

// SAFETY: blocks come from the system's allocator and go back to it with the layout they came with. Growing is left to
// the trait's own method, which allocates, copies and gives back through these.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller owns the whole block until this call ends. The assembly does nothing; as the compiler cannot
        // know that, the bytes must be zero when it runs and the write stays.
        unsafe {
            block.write_bytes(0, layout.size());
            std::arch::asm!("/* {0} */", in(reg) block, options(nostack, preserves_flags));
            System.dealloc(block, layout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_given_back_is_wiped() {
        let layout = Layout::array::<u8>(4096).unwrap();
        // SAFETY: the block is owned from here to its end. The memory read after that is memory the test still holds,
        // because the second block is the first one again.
        unsafe {
            let block = Wiping.alloc(layout);
            block.write_bytes(0x5a, 4096);
            Wiping.dealloc(block, layout);
            let again = Wiping.alloc(layout);
            assert_eq!(again, block, "the system hands out what it got back last");
            // It keeps its own lists in the first bytes of a free block.
            assert!((64..4096).all(|at| again.add(at).read() == 0));
            Wiping.dealloc(again, layout);
        }
    }
}
