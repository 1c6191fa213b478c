package exposition

import "hash/crc32"

// checksum is the trailer of a gzip member. The zero value is the checksum of no bytes.
type checksum struct {
	crc, size uint32 // gzip wants the size modulo 2³²
	// shift is x to the power of the number of bits. The CRC of earlier bytes is multiplied
	// by it when these are appended. 0 stands for 1: there is nothing to append.
	shift uint32
}

func sumOf(b []byte) checksum {
	return checksum{crc: crc32.ChecksumIEEE(b), size: uint32(len(b)), shift: powerOfX(8 * uint64(len(b)))}
}

// then returns the checksum of the bytes of s followed by those of o. More can be appended
// to the result, but the result cannot be appended.
func (s checksum) then(o checksum) checksum {
	if o.shift == 0 {
		return checksum{crc: s.crc, size: s.size + o.size}
	}
	// A CRC is the remainder of a polynomial. The inversions before and after it cancel out
	// in this sum.
	return checksum{crc: multiply(s.crc, o.shift) ^ o.crc, size: s.size + o.size}
}

// one is the polynomial 1: the highest bit is the coefficient of x⁰.
const one = 1 << 31

// multiply returns the product of two polynomials over the field of two elements, modulo
// that of the CRC.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a&one != 0 {
			product ^= b
		}
		// Times x, for the next coefficient of a.
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.IEEE
		}
	}
	return product
}

// powerOfX returns xⁿ modulo the polynomial of the CRC.
func powerOfX(n uint64) uint32 {
	power, square := uint32(one), uint32(one>>1)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	return power
}
