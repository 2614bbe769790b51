package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	session := Session{ID: newID(), UserID: user.ID}
	s.db.Create(&session)
	var sessions []Session
	s.db.Where("user_id = ?", user.ID).Order("created_at desc").Find(&sessions)
	for _, old := range sessions[min(maxSessions, len(sessions)):] {
		s.db.Delete(&old)
	}
	setCookie(w, session.ID)
}

func main() { http.HandleFunc("POST /login", server.login) }
