package live

import (
	"cmp"
	"slices"
)

// sizes counts rooms by the people in them, small rooms first. It has no empty rooms and no
// size that no room has, so it is short: a thousand people are in rooms of 44 sizes at most.
type sizes []roomSize

// roomSize is how many rooms have that many people in them.
type roomSize struct{ people, rooms int64 }

// move counts a room that had so many people before, and has so many now.
func (s *sizes) move(before, now int64) {
	s.add(before, -1)
	s.add(now, 1)
}

func (s *sizes) add(people, rooms int64) {
	if people <= 0 {
		return
	}
	i, found := s.find(people)
	if !found {
		*s = slices.Insert(*s, i, roomSize{people: people})
	}
	if (*s)[i].rooms += rooms; (*s)[i].rooms == 0 {
		*s = slices.Delete(*s, i, i+1)
	}
}

func (s sizes) find(people int64) (i int, found bool) {
	return slices.BinarySearchFunc(s, people, func(of roomSize, people int64) int { return cmp.Compare(of.people, people) })
}

// largest is how many people the fullest room has in it.
func (s sizes) largest() int64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].people
}

// from counts the rooms with so many people in them, or more.
func (s sizes) from(people int64) (rooms int64) {
	i, _ := s.find(people)
	for _, of := range s[i:] {
		rooms += of.rooms
	}
	return rooms
}

// fullPercent is the part of a room's capacity from which it counts as full.
const fullPercent = 90

// fullFrom is from how many people on a room of a capacity counts as full.
func fullFrom(capacity int64) int64 { return (capacity*fullPercent + 99) / 100 }
