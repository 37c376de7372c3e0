/** API keys: `usk_`, 32 random bytes in base64url, `_`, CRC-32 of that text. Source: security.md, section 5. */

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The key made of 32 random bytes. */
export function formatApiKey(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += base64url.charAt((buffer >> bits) & 63);
    }
  }
  if (bits > 0) text += base64url.charAt((buffer << (6 - bits)) & 63);
  return `usk_${text}_${checksum(text)}`;
}

/** Whether the text has the form of a key with a right checksum; a mistyped one costs no look-up. */
export function isApiKey(text: string): boolean {
  const parts = /^usk_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/.exec(text);
  return parts?.[1] !== undefined && checksum(parts[1]) === parts[2];
}

/** CRC-32 (ISO-HDLC) of ASCII text, eight hex digits. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}
