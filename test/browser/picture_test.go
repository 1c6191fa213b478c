package browser_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"whereby_exporter/test/browser"
)

// Colors that are common stay as they are; a rare one becomes one near to it.
func TestShrinkKeepsCommonColors(t *testing.T) {
	const side = 64
	from := image.NewRGBA(image.Rect(0, 0, side, side))
	colorAt := func(x, y int) color.RGBA {
		if y > 0 {
			return color.RGBA{uint8(x), uint8(x / 2), 200, 255} // 64 colors, 63 times each
		}
		return color.RGBA{uint8(x), uint8(x / 2), 201, 255} // 64 more, once each
	}
	for y := range side {
		for x := range side {
			from.SetRGBA(x, y, colorAt(x, y))
		}
	}
	for i := range 256 { // so that there are more colors than a palette has
		from.SetRGBA(i%side, side-1-i/side, color.RGBA{uint8(i), 255, uint8(255 - i), 255})
	}
	var large bytes.Buffer
	if err := png.Encode(&large, from); err != nil {
		t.Fatal(err)
	}
	small, err := browser.Shrink(large.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	to, err := png.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := to.(*image.Paletted); !ok {
		t.Errorf("the picture has no palette: %T", to)
	}
	if to.Bounds() != from.Bounds() {
		t.Fatalf("bounds %v, want %v", to.Bounds(), from.Bounds())
	}
	for y := 1; y < side-256/side; y++ {
		for x := range side {
			if got := color.RGBAModel.Convert(to.At(x, y)); got != colorAt(x, y) {
				t.Fatalf("pixel %d,%d: %v, want %v", x, y, got, colorAt(x, y))
			}
		}
	}
}

func TestShrinkRefusesOtherFiles(t *testing.T) {
	if _, err := browser.Shrink([]byte("not a picture")); err == nil {
		t.Error("no error for a file that is no PNG")
	}
}
