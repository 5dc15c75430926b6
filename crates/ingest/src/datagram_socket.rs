//! A UDP socket that is read many datagrams at a call.
//!
//! A call for each datagram costs more than parsing it, and while the program is busy with that the kernel drops
//! what has no room. The standard library reads one at a time and cannot ask how many were dropped, so this module
//! calls the system itself: `recvmmsg` (man 2 recvmmsg), the size of the receive buffer, and the socket's own counter
//! of drops (`SO_MEMINFO`, linux/sock_diag.h), which is exact where `/proc/net/udp` would have to be searched.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

/// How long a call waits for the first datagram, so that whoever calls can look around.
const WAIT: Duration = Duration::from_millis(100);

/// Datagrams of one call.
const DATAGRAMS_MAX: usize = 64;

/// Room for one datagram, more than any can have. Not a power of two: the first bytes of all datagrams would share
/// the same few lines of the cache.
const ROOM_BYTES: usize = 65_536 + 576;

/// The counter of drops among the numbers of `SO_MEMINFO` (`SK_MEMINFO_DROPS`), and how many numbers there are.
const DROPS_INDEX: usize = 8;
const MEMINFO_NUMBERS: usize = 9;

/// A bound UDP socket and room for what it receives.
pub(crate) struct DatagramSocket {
    socket: UdpSocket,
    room: Box<[u8]>,
    senders: Box<[libc::sockaddr_storage]>,
}

impl DatagramSocket {
    /// Binds a socket whose receive buffer holds `buffer_bytes`, or what the system allows.
    ///
    /// # Errors
    ///
    /// Those of binding.
    pub(crate) fn bind(address: SocketAddr, buffer_bytes: usize) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(WAIT))?;
        let bytes = libc::c_int::try_from(buffer_bytes).unwrap_or(libc::c_int::MAX);
        // The first goes beyond the system's limit and needs the right to; the second is cut to it.
        if set_option(&socket, libc::SO_RCVBUFFORCE, bytes).is_err() {
            set_option(&socket, libc::SO_RCVBUF, bytes)?;
        }
        // SAFETY: zeros are an address of no family.
        let no_sender: libc::sockaddr_storage = unsafe { mem::zeroed() };
        Ok(Self {
            socket,
            room: vec![0; DATAGRAMS_MAX * ROOM_BYTES].into(),
            senders: vec![no_sender; DATAGRAMS_MAX].into(),
        })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The size of the receive buffer, as it was asked for; the system doubles that for its own needs.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn buffer_bytes(&self) -> io::Result<usize> {
        let [doubled] = option::<1>(&self.socket, libc::SO_RCVBUF)?;
        Ok(doubled as usize / 2)
    }

    /// Datagrams that the kernel dropped since the socket was made; begins again after 2^32.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn drops(&self) -> io::Result<u32> {
        option::<MEMINFO_NUMBERS>(&self.socket, libc::SO_MEMINFO).map(|numbers| numbers[DROPS_INDEX])
    }

    /// Hands on datagrams with their senders, and returns how many; 0 after a while without any. With `is_waiting`
    /// false it does not wait for one.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn receive(
        &mut self,
        is_waiting: bool,
        mut each: impl FnMut(IpAddr, &[u8]),
    ) -> io::Result<usize> {
        let mut lengths = [0_usize; DATAGRAMS_MAX];
        let count = match self.call(is_waiting, &mut lengths) {
            Err(error) if is_nothing(&error) => 0,
            called => called?,
        };
        let rooms = self.room.chunks_exact(ROOM_BYTES);
        for ((room, sender), &length) in rooms.zip(&self.senders).zip(&lengths).take(count) {
            each(address(sender), &room[..length.min(ROOM_BYTES)]);
        }
        Ok(count)
    }

    /// Calls the system once; returns how many datagrams are in the first rooms, and sets their lengths.
    fn call(&mut self, is_waiting: bool, lengths: &mut [usize; DATAGRAMS_MAX]) -> io::Result<usize> {
        let mut vectors: [libc::iovec; DATAGRAMS_MAX] =
            [libc::iovec { iov_base: ptr::null_mut(), iov_len: ROOM_BYTES }; DATAGRAMS_MAX];
        // SAFETY: these are numbers and pointers, for which zeros are valid.
        let mut headers: [libc::mmsghdr; DATAGRAMS_MAX] = unsafe { mem::zeroed() };
        let rooms = self.room.chunks_exact_mut(ROOM_BYTES).zip(&mut self.senders);
        for ((header, vector), (room, sender)) in headers.iter_mut().zip(&mut vectors).zip(rooms) {
            vector.iov_base = room.as_mut_ptr().cast();
            header.msg_hdr.msg_name = ptr::from_mut(sender).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        // The socket's timeout bounds the wait for the first; the others are taken if they are there.
        let flags = if is_waiting { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: each header points to a vector and a sender, each vector to a room of the length that it says;
        // all of them live until the call returns.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                DATAGRAMS_MAX as libc::c_uint,
                flags as _,
                ptr::null_mut(),
            )
        };
        // A negative count is an error.
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (length, header) in lengths.iter_mut().zip(&headers) {
            *length = header.msg_len as usize;
        }
        Ok(count)
    }
}

/// Whether an error only says that there is nothing now.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// The address that the system wrote; an IPv4 address as such on a socket of both.
fn address(storage: &libc::sockaddr_storage) -> IpAddr {
    let storage = ptr::from_ref(storage);
    // SAFETY: the storage is larger than an address of either family and aligned for both, and the family says
    // which of them the system wrote.
    let address = unsafe {
        match i32::from((*storage).ss_family) {
            libc::AF_INET => {
                let address = (*storage.cast::<libc::sockaddr_in>()).sin_addr.s_addr;
                IpAddr::V4(Ipv4Addr::from_bits(u32::from_be(address)))
            }
            libc::AF_INET6 => IpAddr::V6((*storage.cast::<libc::sockaddr_in6>()).sin6_addr.s6_addr.into()),
            _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    };
    address.to_canonical()
}

/// Sets an option of the socket level that is a number.
fn set_option(socket: &UdpSocket, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the option's value is a number, which lives until the call returns, and its size is said.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            ptr::from_ref(&value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An option of the socket level that is one or more numbers; those that the system does not know are 0.
fn option<const N: usize>(socket: &UdpSocket, name: libc::c_int) -> io::Result<[u32; N]> {
    let mut numbers = [0_u32; N];
    let mut bytes = size_of_val(&numbers) as libc::socklen_t;
    // SAFETY: the system writes at most as many bytes as it is told that there are.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            numbers.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    if result == 0 { Ok(numbers) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: &str = "cannot use the loopback interface";

    /// A socket on this address of the loopback interface, and one that is connected to it.
    fn pair(address: &str, buffer_bytes: usize) -> (DatagramSocket, UdpSocket) {
        let socket = DatagramSocket::bind(address.parse().expect("an address"), buffer_bytes).expect(NOWHERE);
        let mut target = socket.local_addr().expect(NOWHERE);
        if target.ip().is_unspecified() {
            target.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let own: IpAddr =
            if target.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let sender = UdpSocket::bind((own, 0)).expect(NOWHERE);
        sender.connect(target).expect(NOWHERE);
        (socket, sender)
    }

    /// Lengths of what comes, until there is nothing more.
    fn received(socket: &mut DatagramSocket) -> Vec<usize> {
        let mut lengths = Vec::new();
        while socket.receive(false, |_, datagram| lengths.push(datagram.len())).expect(NOWHERE) > 0 {}
        lengths
    }

    #[test]
    fn datagrams_come_whole_with_their_sender() {
        for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let (mut socket, sender) = pair(address, 1 << 20);
            let own = sender.local_addr().expect(NOWHERE).ip();
            let sent: [&[u8]; 4] = [b"one", b"", &[7; 65_507], b"four"];
            for datagram in sent {
                sender.send(datagram).expect(NOWHERE);
            }
            let mut found = Vec::new();
            while found.len() < sent.len() {
                socket.receive(true, |from, datagram| found.push((from, datagram.to_vec()))).expect(NOWHERE);
            }
            assert_eq!(found, sent.map(|datagram| (own, datagram.to_vec())), "{address}");
            assert_eq!(socket.receive(false, |_, _| ()).expect(NOWHERE), 0);
            assert_eq!(socket.receive(true, |_, _| ()).expect(NOWHERE), 0);
        }
    }

    #[test]
    fn what_the_kernel_drops_is_counted_to_the_last_datagram() {
        let (mut socket, sender) = pair("127.0.0.1:0", 20_000);
        let buffer_bytes = socket.buffer_bytes().expect(NOWHERE);
        assert!((20_000..40_000).contains(&buffer_bytes), "{buffer_bytes}");
        let mut read = 0;
        for round in 1..=3 {
            for _ in 0..1_000 {
                sender.send(&[7; 500]).expect(NOWHERE);
            }
            read += received(&mut socket).len();
            assert_eq!(read + socket.drops().expect(NOWHERE) as usize, round * 1_000);
        }
        assert!(socket.drops().expect(NOWHERE) > 0);
    }
}
