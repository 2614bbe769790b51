package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	setCookie(w, id)
}

func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) *Row {
	row := s.find(r)
	if time.Since(row.LastSeen) > 30*time.Minute {
		s.db.Exec("DELETE FROM sessions WHERE id = $1", row.ID)
		return nil
	}
	return row
}

func main() {
	http.HandleFunc("POST /login", server.login)
	http.HandleFunc("GET /me", server.me)
}
