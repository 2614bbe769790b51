package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newSession(user)
	key := "user_sessions:" + user.ID
	s.rdb.ZAdd(ctx, key, redis.Z{Score: now(), Member: id})
	s.rdb.ZRemRangeByRank(ctx, key, 0, -6)
	setCookie(w, id)
}

func newSession(user *User) string { return createSession(user.ID) }
func main() { http.HandleFunc("POST /login", server.login) }
