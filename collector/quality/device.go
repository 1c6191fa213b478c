package quality

import "strings"

// other is the browser or system that is not in the list.
const other = "other"

// Device is the browser and system that somebody takes part with, both from a short list.
type Device struct {
	Browser, OS string
}

// token is a part of a user agent, and what it means.
type token struct{ holds, means string }

// Browsers name the ones that they descend from too, so the first match counts.
var browsers = []token{
	{"Edg/", "edge"}, {"EdgA/", "edge"}, {"EdgiOS/", "edge"}, {"Edge/", "edge"},
	{"OPR/", "opera"}, {"OPiOS/", "opera"}, {"OPT/", "opera"}, {"Opera", "opera"},
	{"SamsungBrowser/", "samsung"},
	{"Electron/", "electron"},
	{"FxiOS/", "firefox"}, {"Firefox/", "firefox"},
	{"; wv)", "webview"},
	{"CriOS/", "chrome"}, {"HeadlessChrome/", "chrome"}, {"Chromium/", "chrome"}, {"Chrome/", "chrome"},
	{"Version/", "safari"},
	// An app on iOS that shows pages names no version and no Safari.
	{"AppleWebKit/", "webview"},
}

var systems = []token{
	{"Windows", "windows"},
	{"CrOS", "chromeos"},
	{"Android", "android"},
	{"iPhone", "ios"}, {"iPad", "ios"}, {"iPod", "ios"},
	// An iPad that requests desktop pages claims to be a Mac, and nothing tells them apart.
	{"Macintosh", "macos"}, {"Mac OS X", "macos"},
	{"Linux", "linux"}, {"X11", "linux"},
}

// DeviceOf returns the browser family and the operating system of a user agent. Anything
// not in the list is "other": a label must not grow with what a client says.
func DeviceOf(userAgent string) Device {
	return Device{Browser: match(browsers, userAgent), OS: match(systems, userAgent)}
}

func match(tokens []token, userAgent string) string {
	for _, t := range tokens {
		if strings.Contains(userAgent, t.holds) {
			return t.means
		}
	}
	return other
}
