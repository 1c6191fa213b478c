package whereby

// The documented roles of clients. Whereby may add others.
const (
	RoleOwner          = "owner"
	RoleMember         = "member"
	RoleHost           = "host"
	RoleVisitor        = "visitor"
	RoleGrantedVisitor = "granted_visitor"
	RoleViewer         = "viewer"
	RoleGrantedViewer  = "granted_viewer"
	RoleRecorder       = "recorder"
	RoleStreamer       = "streamer"
	RoleCaptioner      = "captioner"
	RoleAssistant      = "assistant"
)

// Roles returns the documented roles, those of people first.
func Roles() []string {
	return []string{
		RoleOwner, RoleMember, RoleHost, RoleVisitor, RoleGrantedVisitor, RoleViewer, RoleGrantedViewer,
		RoleRecorder, RoleStreamer, RoleCaptioner, RoleAssistant,
	}
}

// IsMachine reports whether clients of a role are no people. Whereby's client SDK lists
// these four as roles of non-persons. All of them count in numClients.
func IsMachine(role string) bool {
	switch role {
	case RoleRecorder, RoleStreamer, RoleCaptioner, RoleAssistant:
		return true
	}
	return false
}

// IsPerson reports whether clients of a role are people: those of every role that is no
// machine's, also of one that is not documented.
func IsPerson(role string) bool { return !IsMachine(role) }

// Billed is what the minutes of a client are billed as.
type Billed int

// What minutes are billed as.
const (
	NotBilled Billed = iota
	BilledAsParticipant
	BilledAsRecorder
	BilledAsStreamer
)

// BilledAs returns what the minutes of a role's clients are billed as. An assistant is
// billed like a participant, though it is no person; recorders and streamers have
// minutes of their own.
//
// Whether a captioner is billed is not documented: transcription is billed by the minutes
// of those who speak. It is taken for not billed because that mistake heals sooner. Minutes
// that are missed show in Insights 15 minutes later; minutes that nobody is billed for would
// count as pending until the meeting is over.
func BilledAs(role string) Billed {
	switch role {
	case RoleRecorder:
		return BilledAsRecorder
	case RoleStreamer:
		return BilledAsStreamer
	case RoleCaptioner:
		return NotBilled
	}
	return BilledAsParticipant
}
