class SessionsController < ApplicationController
  def create
    user = User.authenticate_by(params.permit(:email, :password)) or return redirect_to(new_session_path)
    user.sessions.order(created_at: :desc).offset(4).destroy_all
    session = user.sessions.create!(user_agent: request.user_agent)
    cookies.signed.permanent[:session_id] = { value: session.id, httponly: true, secure: true, same_site: :lax }
    redirect_to root_path
  end
end
