class SessionsController < ApplicationController
  def index
    @sessions = Current.user.sessions.order(:created_at)
  end

  def create
    user = User.authenticate_by(params.permit(:email, :password))
    session = user.sessions.create!(user_agent: request.user_agent)
    cookies.signed[:session_id] = { value: session.id, httponly: true, same_site: :lax }
    redirect_to root_path
  end

  def remove
    Session.find(params[:id]).destroy
    redirect_to sessions_path
  end
end
