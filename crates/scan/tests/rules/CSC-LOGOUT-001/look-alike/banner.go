package main

import "net/http"

func hideBanner(w http.ResponseWriter, r *http.Request) {
	// logout: http.Cookie{Name: "session", MaxAge: -1}
	http.SetCookie(w, &http.Cookie{Name: "banner", Value: "", MaxAge: -1})
}
