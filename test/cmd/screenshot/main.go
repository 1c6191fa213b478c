// Command screenshot takes the README's pictures of the status page, from the demo, once a
// customer is over its quota. It takes some two minutes and needs Chromium.
//
//	go -C test run ./cmd/screenshot
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"whereby_exporter/test/browser"
	"whereby_exporter/test/programs"
)

const (
	width, height = 1400, 800
	// settled is how long the demo may take until everything is known of it.
	settled = 5 * time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "screenshot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	root, err := programs.Root()
	if err != nil {
		return err
	}
	exporter, err := programs.Exporter.Build(ctx, os.Stdout)
	if err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	demo := exec.CommandContext(ctx, exporter, "demo", "--web.listen-address="+address)
	demo.Cancel = func() error { return demo.Process.Signal(syscall.SIGTERM) }
	if err := demo.Start(); err != nil {
		return err
	}
	defer func() {
		_ = demo.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, demo.Wait())
	}()
	tab, closeBrowser, err := browser.Start(ctx, "")
	if err != nil {
		return err
	}
	defer closeBrowser()
	if err := wait(tab, "http://"+address+"/"); err != nil {
		return err
	}
	for _, scheme := range []string{"light", "dark"} {
		file := filepath.Join(root, "docs", "status-"+scheme+".png")
		if err := take(tab, scheme, file); err != nil {
			return err
		}
		fmt.Println(file)
	}
	return nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String()
	return address, listener.Close()
}

// wait waits until a customer is over its quota and the figures of all customers are known. The
// previous period takes an hour longer.
func wait(tab context.Context, page string) error {
	const ready = `document.querySelector(".verdict.bad a") !== null && ![...document.querySelectorAll("td")].some(cell => cell.textContent.includes("not known yet"))`
	fmt.Println("waiting for a customer of the demo to go over its quota")
	for deadline := time.Now().Add(settled); ; {
		err := chromedp.Do(tab, chromedp.Navigate(page))
		if err == nil {
			var ok bool
			if ok, err = chromedp.Run(tab, chromedp.Evaluate[bool](ready)); ok {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %w", settled, cmp.Or(err, errors.New("the page is not as it should be")))
		}
		select {
		case <-tab.Done():
			return tab.Err()
		case <-time.After(time.Second):
		}
	}
}

func take(tab context.Context, scheme, file string) error {
	if err := browser.Resize(tab, width, height); err != nil {
		return err
	}
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		return err
	}
	return browser.Take(tab, file)
}
