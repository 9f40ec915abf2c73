//! A PNG writer: eight-bit grey, deflate without compression.
//!
//! Source: W3C PNG §5, §9 and §11; RFC 1950 and RFC 1951 §3.2.4.

/// A grey image.
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row, 0 black.
    pub pixels: Vec<u8>,
}

impl Image {
    /// A picture; the pixel in each column and row is light where `light` says so.
    pub fn drawn(width: usize, height: usize, light: impl Fn(usize, usize) -> bool) -> Self {
        let rows = 0..height;
        let pixels = rows.flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| if light(x, y) { 255 } else { 0 });
        Self { width, height, pixels: pixels.collect() }
    }

    /// The file.
    pub fn png(&self) -> Vec<u8> {
        // Each row after its filter, 0: none.
        let rows: Vec<u8> = self.pixels.chunks(self.width).flat_map(|row| [&[0], row].concat()).collect();
        let mut stream = vec![0x78, 0x01];
        let blocks: Vec<_> = rows.chunks(0xFFFF).collect();
        for (at, block) in blocks.iter().enumerate() {
            let len = block.len() as u16;
            stream.push(u8::from(at + 1 == blocks.len()));
            stream.extend(len.to_le_bytes());
            stream.extend((!len).to_le_bytes());
            stream.extend(*block);
        }
        stream.extend(adler32(&rows).to_be_bytes());
        let size = [(self.width as u32).to_be_bytes(), (self.height as u32).to_be_bytes()].concat();
        [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            chunk(b"IHDR", &[size.as_slice(), &[8, 0, 0, 0, 0]].concat()),
            chunk(b"IDAT", &stream),
            chunk(b"IEND", b""),
        ]
        .concat()
    }
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [name.as_slice(), data].concat();
    [&(data.len() as u32).to_be_bytes(), body.as_slice(), &crc32(&body).to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}
