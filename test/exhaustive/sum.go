package exhaustive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Sum returns a checksum of the names and contents of files, and of all files in folders.
// Paths are relative to the root.
func Sum(root string, paths []string) (string, error) {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	all := sha256.New()
	for _, path := range paths {
		err := filepath.WalkDir(filepath.Join(root, path), func(file string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			switch {
			case entry.IsDir() && (name == ".git" || name == ".cache"):
				return filepath.SkipDir
			case !entry.Type().IsRegular():
				return nil
			}
			sum, err := sumFile(file)
			fmt.Fprintf(all, "%q %x\n", filepath.ToSlash(name), sum)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("sum what is guarded: %w", err)
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

func sumFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}
