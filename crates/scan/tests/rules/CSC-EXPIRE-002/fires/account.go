package main

// What is held against the clock is the age of the password.
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
	if time.Since(row.User.PasswordSetAt) > 90*24*time.Hour {
		http.Redirect(w, r, "/password", http.StatusFound)
	}
	return row
}

func main() {
	http.HandleFunc("POST /login", server.login)
	http.HandleFunc("GET /me", server.me)
}
